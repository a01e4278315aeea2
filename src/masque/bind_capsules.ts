/**
 * The words of bound UDP proxying (draft-ietf-masque-connect-udp-listen-13): one tunnel for many peers. Capsules that open and close contexts,
 * addresses in datagrams, and the header fields of request and answer.
 *
 * @module
 */

import { getU16, setU16 } from "../bytes.ts";
import { parseAuthority } from "./authority.ts";
import { encodeCapsule } from "./capsule.ts";
import { parseItemList } from "./structured_fields.ts";
import { getVarint, setVarint, varintLength, varintLengthAt } from "./varint.ts";

/** Opens a context (section 3.1). */
export const COMPRESSION_ASSIGN = 0x11;
/** Accepts a context (section 3.2). */
export const COMPRESSION_ACK = 0x12;
/** Refuses or closes a context (section 3.3). */
export const COMPRESSION_CLOSE = 0x13;

/** The longest of the three capsules: a Context ID, a version, an IPv6 address and a port. */
export const MAX_BIND_CAPSULE_BYTES: number = 8 + 1 + 16 + 2;

/** The field with which both sides switch the extension on (section 6). */
export const CONNECT_UDP_BIND: readonly [string, string] = ["connect-udp-bind", "?1"];

/** Whom a datagram comes from or goes to: an address of 4 or 16 bytes, and a port. */
export interface BindPeer {
  readonly address: Uint8Array;
  readonly port: number;
}

/** Bytes of a peer at the start of an uncompressed datagram (section 4): version, address, port. */
export function encodePeer({ address, port }: BindPeer): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(1 + address.length + 2);
  bytes[0] = address.length === 4 ? 4 : 6;
  bytes.set(address, 1);
  setU16(bytes, 1 + address.length, port);
  return bytes;
}

/** How long the peer at `at` is; 0 when it is cut off or of another version. */
export function peerLength(bytes: Uint8Array, at: number): number {
  const length = bytes[at] === 4 ? 7 : bytes[at] === 6 ? 19 : 0;
  return at + length <= bytes.length ? length : 0;
}

/** Reads the peer at `at`. Trusts that {@linkcode peerLength} found one. */
export function getPeer(bytes: Uint8Array, at: number): BindPeer {
  const end = at + peerLength(bytes, at) - 2;
  return { address: bytes.slice(at + 1, end), port: getU16(bytes, end) };
}

/** A COMPRESSION_ASSIGN for `peer`, or for all peers in the uncompressed form. */
export function encodeAssign(context: number, peer: BindPeer | undefined): Uint8Array<ArrayBuffer> {
  const rest = peer === undefined ? new Uint8Array(1) : encodePeer(peer);
  const value = new Uint8Array(varintLength(context) + rest.length);
  value.set(rest, setVarint(value, 0, context));
  return encodeCapsule(COMPRESSION_ASSIGN, value);
}

/** A COMPRESSION_ACK or a COMPRESSION_CLOSE. */
export function encodeContext(
  type: typeof COMPRESSION_ACK | typeof COMPRESSION_CLOSE,
  context: number,
): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(varintLength(context));
  setVarint(value, 0, context);
  return encodeCapsule(type, value);
}

/** The value of a COMPRESSION_ASSIGN; `undefined` when it is malformed. Without a peer it is the uncompressed context. */
export function parseAssign(
  value: Uint8Array,
): { readonly context: number; readonly peer?: BindPeer } | undefined {
  const at = value.length === 0 ? 1 : varintLengthAt(value[0]);
  if (at >= value.length) return undefined;
  const context = getVarint(value, 0);
  if (context === 0 || context === Infinity) return undefined;
  if (value[at] === 0) return value.length === at + 1 ? { context } : undefined;
  const length = peerLength(value, at);
  if (length === 0 || at + length !== value.length) return undefined;
  return { context, peer: getPeer(value, at) };
}

/** The value of a COMPRESSION_ACK or COMPRESSION_CLOSE: a Context ID that is not 0; `undefined` when it is malformed. */
export function parseContext(value: Uint8Array): number | undefined {
  if (value.length === 0 || varintLengthAt(value[0]) !== value.length) return undefined;
  const context = getVarint(value, 0);
  return context === 0 || context === Infinity ? undefined : context;
}

/** Whether `Connect-UDP-Bind` is the Boolean true; parameters do not matter, and a list of several is nothing (section 6). */
export function isBound(value: string | null | undefined): boolean {
  if (value?.startsWith(" ") || value?.startsWith("\t")) return false;
  const [member, ...others] = parseItemList(value ?? "") ?? [];
  return others.length === 0 && member?.item.type === "boolean" && member.item.value;
}

/** Formats `Proxy-Public-Address` (section 7); addresses are text without brackets. */
export function formatPublicAddresses(
  addresses: readonly { readonly hostname: string; readonly port: number }[],
): string {
  return addresses.map(({ hostname, port }) => {
    return hostname.includes(":") ? `"[${hostname}]:${port}"` : `"${hostname}:${port}"`;
  }).join(", ");
}

/** Parses `Proxy-Public-Address`; members that are no address and port are left out, and a malformed field is empty. */
export function parsePublicAddresses(
  value: string | null | undefined,
): { readonly hostname: string; readonly port: number }[] {
  return (parseItemList(value ?? "") ?? []).flatMap(({ item }) => {
    const address = item.type === "string" ? parseAuthority(item.value) : undefined;
    return address === undefined || !/^[0-9.]+$|:/.test(address.hostname) ? [] : [address];
  });
}
