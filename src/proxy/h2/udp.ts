/**
 * UDP over HTTP/2: the stream of an extended CONNECT carries capsules (RFC 9298, section 3.5).
 *
 * @module
 */

import type { OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { CAPSULE_PROTOCOL } from "../../masque/udp_request.ts";
import type { CapsuleTransport } from "../relay/capsule_stream.ts";
import type { Refusal } from "../refusal.ts";
import type { UdpAsked } from "../asked/udp_asked.ts";
import { admitUdp, type UdpOptions } from "../relay/udp_tunnel.ts";

/** Carries one tunnel to its end, or returns the refusal to give; `fields` stand in the head of the answer. Never rejects. */
export async function serveUdp(
  stream: ServerHttp2Stream,
  asked: UdpAsked,
  options: UdpOptions,
  fields: readonly (readonly [string, string])[] = [CAPSULE_PROTOCOL],
): Promise<Refusal | undefined> {
  const tunnel = await admitUdp(asked, overStream(stream), options);
  if ("status" in tunnel) return tunnel;
  if (!stream.destroyed) {
    const head: OutgoingHttpHeaders = { ":status": 200 };
    for (const [name, value] of [...fields, ...tunnel.fields]) head[name] = value;
    stream.respond(head);
    tunnel.start();
    stream.on("data", (bytes: Uint8Array<ArrayBuffer>) => {
      tunnel.stream.take(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
    });
    // An `end` comes also when the stream was reset; then `close` follows.
    stream.on("end", () => stream.destroyed || stream.rstCode || tunnel.stream.takeEnd());
    stream.on("close", () => tunnel.stream.break());
    await tunnel.closed;
  }
  await tunnel.close();
}

function overStream(stream: ServerHttp2Stream): CapsuleTransport {
  return {
    write: (bytes, done) => void stream.write(bytes, () => done()),
    end: () => void stream.end(),
    // `close` with a code would send END_STREAM first, so an end in order.
    reset: () => void stream.destroy(new Error("The tunnel broke off")),
  };
}
