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

/** Two tests at once may choose the same address; that all of so many are taken is no chance. */
const ATTEMPTS = 20;

/** Gives this machine two further addresses. Needs root. */
export async function borrowAddresses(): Promise<Addresses> {
  await using stack = new AsyncDisposableStack();
  const ipv4 = await borrow(stack, (number) => `198.51.100.${1 + number % 254}/32`);
  const ipv6 = await borrow(
    stack,
    (number) => `2001:db8:51::${(1 + number % 0xfffe).toString(16)}/128`,
  );
  const kept = stack.move();
  return { ipv4, ipv6, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function borrow(
  stack: AsyncDisposableStack,
  choose: (number: number) => string,
): Promise<string> {
  for (let attempt = 1;; attempt++) {
    const address = choose(crypto.getRandomValues(new Uint16Array(1))[0]);
    try {
      await runTool("ip", "address", "add", address, "dev", "lo", ...nodad(address));
    } catch (error) {
      if (attempt < ATTEMPTS && /already assigned|File exists/.test(`${error}`)) continue;
      throw error;
    }
    stack.defer(async () => void await runTool("ip", "address", "delete", address, "dev", "lo"));
    return address.split("/")[0];
  }
}

/** An address that is still being looked for on the link cannot be bound to. */
function nodad(address: string): string[] {
  return address.includes(":") ? ["nodad"] : [];
}
