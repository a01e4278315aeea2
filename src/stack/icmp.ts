/**
 * What this stack says and hears by ICMP and ICMPv6, the refusals of requests apart: echo, errors about packets that cannot be used, and
 * messages about packets of ours.
 *
 * @module
 */

import { equalBytes } from "../bytes.ts";
import {
  ECHO_REQUEST,
  ECHO_REQUEST_V6,
  ICMP_TYPE,
  isIcmpError,
  REASSEMBLY_TIME_EXCEEDED,
  TIME_EXCEEDED,
  TIME_EXCEEDED_V6,
} from "../wire/icmp.ts";
import { type DropReason, type IpPacket, NO_ERROR } from "../wire/ip.ts";
import type { Flows } from "./flows.ts";
import { mayBeAnswered, newTooBig, readTooBig } from "./icmp_errors.ts";
import type { PathMtus } from "./path_mtu.ts";
import { echoReplyPacket, errorPacket } from "./reply_packets.ts";
import type { TokenBucket } from "./token_bucket.ts";

/** What it needs of the stack around it. */
export interface IcmpOptions {
  /** Addresses that answer an echo request. */
  readonly addresses: readonly Uint8Array[];
  readonly flows: Flows;
  readonly pathMtus: PathMtus;
  /** The rate of errors. */
  readonly errors: TokenBucket;
  /** Where answers go. */
  readonly reply: (packet: Uint8Array) => void;
}

/** The ICMP of one stack. */
export class Icmp {
  readonly #options: IcmpOptions;
  readonly #tooBig = newTooBig();

  /** Says nothing by itself. */
  constructor(options: IcmpOptions) {
    this.#options = options;
  }

  /** Takes a message that stands parsed in `frame`; says why it was dropped. */
  handle(frame: Uint8Array, ip: IpPacket, now: number): DropReason | undefined {
    const type = frame[ip.payloadAt + ICMP_TYPE];
    if (isIcmpError(ip.version, type)) return this.#handleError(frame, ip, now);
    if (type !== (ip.version === 4 ? ECHO_REQUEST : ECHO_REQUEST_V6)) return "icmp-ignored";
    const target = frame.subarray(ip.destinationAt, ip.destinationAt + ip.addressLength);
    if (!this.#options.addresses.some((address) => equalBytes(address, target))) {
      return "icmp-not-ours";
    }
    // An answer that was asked for: how many may wait is bound enough.
    this.#options.reply(echoReplyPacket(frame, ip));
    return undefined;
  }

  #handleError(frame: Uint8Array, ip: IpPacket, now: number): DropReason | undefined {
    const tooBig = this.#tooBig;
    const ignored = readTooBig(frame, ip, tooBig);
    if (ignored !== undefined) return ignored;
    const { flows, pathMtus } = this.#options;
    if (tooBig.isTcp) return flows.shrink(frame, tooBig, now);
    // Of other packets nothing is remembered that could be compared. Over IPv4 routers may cut them; over IPv6 the most that a
    // forged message does is to have what goes to this host cut at 1280 bytes for a while.
    if (ip.version === 4) return "icmp-error-ignored";
    const { sourceAt, addressLength } = tooBig.ip;
    pathMtus.lower(frame.subarray(sourceAt, sourceAt + addressLength), tooBig.mtu, now);
    return undefined;
  }

  /** Tells the sender why its packet, which stands parsed in `frame`, is dropped for `reason`, where that is to be told. */
  refuse(frame: Uint8Array, ip: IpPacket, now: number, reason: DropReason): DropReason {
    const { start, payloadEnd, errorType, errorCode, errorRest } = ip;
    if (errorType === NO_ERROR) return reason;
    return this.#tell(frame.subarray(start, payloadEnd), errorType, errorCode, errorRest, now) ??
      reason;
  }

  /** Tells a sender that not all fragments of its packet came: `first` is the first of them (RFC 792; RFC 4443, section 3.3). */
  refuseFragments(first: Uint8Array, now: number): DropReason | undefined {
    const type = first[0] >>> 4 === 4 ? TIME_EXCEEDED : TIME_EXCEEDED_V6;
    return this.#tell(first, type, REASSEMBLY_TIME_EXCEEDED, 0, now);
  }

  #tell(
    quoted: Uint8Array,
    type: number,
    code: number,
    rest: number,
    now: number,
  ): DropReason | undefined {
    if (!mayBeAnswered(quoted)) return undefined;
    if (!this.#options.errors.take(now)) return "limit-replies";
    this.#options.reply(errorPacket(quoted, type, code, rest));
    return undefined;
  }
}
