/**
 * Where the proxy goes for a stranger: to the Internet, and nowhere behind its own back. Without this a CONNECT to `localhost`,
 * to a cloud's metadata service or to a printer would be a way around every firewall the operator has.
 *
 * The guard looks at addresses only, after the name was resolved, and the proxy then connects to the very address that was looked at:
 * a name that answers differently the second time (DNS rebinding) gains nothing.
 *
 * @module
 */

import { type Cidr, cidrContains, classifyIp, parseCidr, unmapIp } from "../wire/address.ts";

/** Says whether an address (4 or 16 bytes) may be dialled. */
export type Guard = (address: Uint8Array) => boolean;

/**
 * A guard that admits global addresses, and what lies in one of the `allow` blocks. An IPv4-mapped address is what its IPv4
 * address is, and so is one of the NAT64 prefix.
 *
 * @throws {TypeError} If an entry of `allow` is not a block such as `10.0.0.0/8`
 */
export function createGuard(allow: readonly string[]): Guard {
  const blocks = allow.map(parseBlock);
  return (address) => {
    const plain = unmapIp(address);
    return classifyIp(plain) === "global" || blocks.some((block) => cidrContains(block, plain));
  };
}

function parseBlock(text: string): Cidr {
  const block = parseCidr(text);
  if (block !== undefined) return block;
  throw new TypeError(
    `Cannot allow "${text}": it is not a block of addresses, write it like 10.0.0.0/8 or fd00::/8`,
  );
}
