/**
 * UDP over HTTP/2: the stream of an extended CONNECT carries capsules (RFC 9298, section 3.5).
 *
 * @module
 */

import type { ServerHttp2Stream } from "node:http2";
import type { CapsuleTransport } from "./capsule_stream.ts";
import type { Gate } from "./gate.ts";
import type { ProxyLimits } from "./limits.ts";
import type { Refusal } from "./refusal.ts";
import type { UdpAsked } from "./udp_asked.ts";
import { UdpRelay } from "./udp_relay.ts";

/** What a UDP tunnel takes. */
export interface UdpStreamOptions {
  readonly gate: Gate;
  readonly limits: ProxyLimits;
  readonly client: string;
  readonly authorization: string | undefined;
  readonly signal: AbortSignal;
}

/** Carries one tunnel to its end, or returns the refusal to give. Never rejects. */
export async function serveUdp(
  stream: ServerHttp2Stream,
  { authority }: UdpAsked,
  { gate, limits, client, authorization, signal }: UdpStreamOptions,
): Promise<Refusal | undefined> {
  const relay = new UdpRelay(overStream(stream), limits.udpIdleTimeoutMs);
  const admission = await gate.admitUdp({ authority, authorization, client, signal }, relay);
  if (!admission.ok) return admission.refusal;
  const { socket, release } = admission;
  if (!stream.destroyed) {
    stream.respond({ ":status": 200, "capsule-protocol": "?1" });
    relay.start(socket);
    stream.on("data", (bytes: Uint8Array<ArrayBuffer>) => {
      relay.stream.take(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
    });
    // An `end` comes also when the stream was reset; then it is destroyed, and `close` follows.
    stream.on("end", () => stream.destroyed || stream.rstCode || relay.stream.takeEnd());
    stream.on("close", () => relay.stream.break());
    await relay.closed;
  }
  await socket.close();
  release();
}

function overStream(stream: ServerHttp2Stream): CapsuleTransport {
  return {
    write: (bytes, done) => void stream.write(bytes, () => done()),
    end: () => void stream.end(),
    // `close` with a code would send END_STREAM first, so an end in order.
    reset: () => void stream.destroy(new Error("The tunnel broke off")),
  };
}
