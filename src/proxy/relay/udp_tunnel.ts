/**
 * A request for UDP through the gate, whichever kind it is and whichever HTTP it came by.
 *
 * @module
 */

import { CONNECT_UDP_BIND, formatPublicAddresses } from "../../masque/bind_capsules.ts";
import { BindRelay } from "./bind_relay.ts";
import type { CapsuleStream, CapsuleTransport } from "./capsule_stream.ts";
import type { Gate } from "../gate.ts";
import type { ProxyLimits } from "../limits.ts";
import type { Refusal } from "../refusal.ts";
import type { UdpAsked } from "../asked/udp_asked.ts";
import { UdpRelay } from "./udp_relay.ts";

/** What opening a tunnel takes. */
export interface UdpOptions {
  readonly gate: Gate;
  readonly limits: ProxyLimits;
  /** The client's address, to count by. */
  readonly client: string;
  /** The address at which the client reached us. */
  readonly local: string;
  readonly authorization: string | undefined;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/** A tunnel whose sockets are open and whose answer has not been given. */
export interface AdmittedUdp {
  /** Where bytes of the client go in. */
  readonly stream: CapsuleStream;
  /** Further fields of the answer. */
  readonly fields: readonly (readonly [string, string])[];
  /** The head of the answer has been written. */
  start(): void;
  /** Settles when the stream is over and the sockets closed. */
  readonly closed: Promise<void>;
  /** Closes the sockets, whatever became of the stream. */
  close(): Promise<void>;
}

/** Checks a request and opens what it needs. Never rejects. */
export async function admitUdp(
  asked: UdpAsked,
  transport: CapsuleTransport,
  options: UdpOptions,
): Promise<AdmittedUdp | Refusal> {
  const { gate, limits } = options;
  const { authority, isDraft03 } = asked;
  if (authority === undefined) return await admitBind(transport, options);
  const relay = new UdpRelay(transport, limits.udpIdleTimeoutMs, isDraft03);
  const admission = await gate.admitUdp({ ...options, authority }, relay);
  if (!admission.ok) return admission.refusal;
  const { socket, release } = admission;
  return {
    stream: relay.stream,
    fields: [],
    start: () => relay.start(socket),
    closed: relay.closed,
    close: () => socket.close().finally(release),
  };
}

async function admitBind(
  transport: CapsuleTransport,
  options: UdpOptions,
): Promise<AdmittedUdp | Refusal> {
  const { gate, limits, local } = options;
  const relay = new BindRelay(transport, limits.udpIdleTimeoutMs, gate.guard);
  const admission = await gate.admitBind(options, local, relay);
  if (!admission.ok) return admission.refusal;
  const { sockets, publicAddresses, release } = admission;
  return {
    stream: relay.stream,
    fields: [CONNECT_UDP_BIND, ["proxy-public-address", formatPublicAddresses(publicAddresses)]],
    start: () => relay.start(sockets),
    closed: relay.closed,
    async close() {
      for (const socket of sockets) await socket.close();
      release();
    },
  };
}
