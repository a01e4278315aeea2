/**
 * Addresses for origins on this machine that are not loopback: from the blocks for documentation (RFC 5737, RFC 3849), so that
 * they are nobody's. They stand on the loopback interface and go with their test.
 *
 * @module
 */

import { runTool } from "./tools.ts";

/** A pair of addresses of this machine. */
export interface Addresses extends AsyncDisposable {
  readonly ipv4: string;
  readonly ipv6: string;
}

/** The blocks that the addresses are from, for `--route` and `--allow`. */
export const BLOCKS = { ipv4: "198.51.100.0/24", ipv6: "2001:db8:51::/64" } as const;

/** Gives this machine two further addresses. Needs root. */
export async function borrowAddresses(): Promise<Addresses> {
  const [a, b] = crypto.getRandomValues(new Uint16Array(2));
  const ipv4 = `198.51.100.${1 + a % 254}`;
  const ipv6 = `2001:db8:51::${(1 + b % 0xfffe).toString(16)}`;
  const all = [`${ipv4}/32`, `${ipv6}/128`];
  await using stack = new AsyncDisposableStack();
  for (const address of all) {
    await runTool("ip", "address", "add", address, "dev", "lo", ...nodad(address));
    stack.defer(async () => void await runTool("ip", "address", "delete", address, "dev", "lo"));
  }
  const kept = stack.move();
  return { ipv4, ipv6, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** An address that is still being looked for on the link cannot be bound to. */
function nodad(address: string): string[] {
  return address.includes(":") ? ["nodad"] : [];
}
