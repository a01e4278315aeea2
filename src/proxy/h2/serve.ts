/**
 * CONNECT over HTTP/2 (RFC 9113, section 8.5): a stream is a tunnel, END_STREAM is FIN, RST_STREAM is RST.
 *
 * @module
 */

import http2 from "node:http2";
import type { Duplex } from "node:stream";
import { deferTeardown } from "../../http2_session.ts";
import { askedByHead, type CapsulesAsked } from "../asked/asked.ts";
import { drained } from "../relay/duplex_pipe.ts";
import type { Gate } from "../gate.ts";
import { serveCapsules } from "./capsules.ts";
import type { ProxyLimits } from "../limits.ts";
import { closeQuietly, type Origin, writeAll } from "../relay/pump.ts";
import { type Refusal, refusalMessage } from "../refusal.ts";

const { NGHTTP2_NO_ERROR } = http2.constants;

/** Larger frames mean fewer turns: the default of 16 KiB is a floor (RFC 9113, section 6.5.2). */
const MAX_FRAME_BYTES = 64 * 1024;

/** What serving one connection takes. */
export interface Http2Options {
  readonly gate: Gate;
  readonly limits: ProxyLimits;
  /** The client's address, to count by. */
  readonly client: string;
  /** The address at which the client reached us. */
  readonly local: string;
  /** Where else the proxy is (RFC 7838), which the answer to a CONNECT says. */
  readonly altSvc?: string;
}

/**
 * Serves HTTP/2 on a connection whose preface has not been consumed. Settles when the connection has ended and nothing of its streams is left,
 * no socket either; never rejects.
 */
export function serveHttp2(socket: Duplex, options: Http2Options): Promise<void> {
  const { limits } = options;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const session = deferTeardown(http2.performServerHandshake(socket, {
    settings: {
      maxConcurrentStreams: limits.streamsPerConnection,
      initialWindowSize: limits.streamWindowBytes,
      maxFrameSize: MAX_FRAME_BYTES,
      maxHeaderListSize: limits.headBytes,
      enableConnectProtocol: true,
    },
  }));
  session.setLocalWindowSize(limits.connectionWindowBytes);

  let idle = setTimeout(() => session.close(), limits.idleTimeoutMs);
  let streams = 0;
  const served = new Set<Promise<void>>();
  session.on("stream", (stream, headers) => {
    clearTimeout(idle);
    streams++;
    stream.on("error", () => {}); // 'close' follows, and says as much
    stream.on("close", () => {
      if (--streams === 0 && !session.destroyed) {
        idle = setTimeout(() => session.close(), limits.idleTimeoutMs);
      }
    });
    const serving = serveStream(stream, headers, options).finally(() => served.delete(serving));
    served.add(serving);
  });
  session.on("error", () => {}); // 'close' follows
  session.on("close", () => {
    clearTimeout(idle);
    socket.destroy();
  });
  socket.on("close", () => {
    // A peer that leaves without GOAWAY closes the socket only, and with it go its streams.
    session.destroy();
    clearTimeout(idle);
    void Promise.allSettled(served).then(() => resolve());
  });
  return ended;
}

async function serveStream(
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  options: Http2Options,
): Promise<void> {
  const { gate, client } = options;
  const asked = readRequest(headers);
  if (typeof asked === "object" && "status" in asked) return refuse(stream, asked);
  const gone = new AbortController();
  stream.on("close", () => gone.abort());
  const authorization = headers["proxy-authorization"];
  const { signal } = gone;
  if (typeof asked === "object") {
    const refusal = await serveCapsules(stream, headers, asked, { ...options, signal });
    return refusal === undefined ? undefined : refuse(stream, refusal);
  }
  const admission = await gate.admit({ authority: asked, authorization, client, signal });
  if (!admission.ok) return refuse(stream, admission.refusal);
  const { origin, release } = admission;
  try {
    // A client may reset after its END_STREAM, when nobody reads from it any more.
    stream.on("close", () => closeQuietly(origin));
    if (stream.destroyed) return;
    stream.respond({ ":status": 200, ...options.altSvc && { "alt-svc": options.altSvc } });
    await Promise.all([outbound(stream, origin), inbound(origin, stream)]);
  } catch {
    // Either side broke off; the other one is told the same. Not with `close(CONNECT_ERROR)`, which node:http2 sends behind an
    // END_STREAM: a transfer that was cut must not look complete. The price is the code, INTERNAL_ERROR.
    stream.destroy(new Error("The origin broke the connection off"));
  } finally {
    closeQuietly(origin);
    release();
  }
}

/** The authority of a CONNECT, or what else is asked for. */
function readRequest(headers: http2.IncomingHttpHeaders): string | CapsulesAsked | Refusal {
  return askedByHead({
    method: headers[":method"] ?? "",
    protocol: headers[":protocol"]?.toString(),
    authority: headers[":authority"],
    path: headers[":path"],
    bind: headers["connect-udp-bind"]?.toString(),
  });
}

function refuse(stream: http2.ServerHttp2Stream, refusal: Refusal): void {
  if (stream.destroyed) return;
  const { fields, body } = refusalMessage(refusal);
  const headers: http2.OutgoingHttpHeaders = { ":status": refusal.status };
  for (const [name, value] of fields) {
    const earlier = headers[name];
    headers[name] = earlier === undefined ? value : [earlier, value].flat().map(String);
  }
  stream.respond(headers);
  stream.resume(); // bytes that were meant for the origin
  stream.end(body, () => stream.close(NGHTTP2_NO_ERROR));
}

/** From the client to the origin. The stream's window opens again only for what was written. */
async function outbound(stream: http2.ServerHttp2Stream, origin: Origin): Promise<void> {
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    await writeAll(origin, chunk);
  }
  if (stream.aborted || stream.rstCode !== NGHTTP2_NO_ERROR) throw new Error("The client reset");
  await origin.closeWrite();
}

/** From the origin to the client, no faster than the client reads. */
async function inbound(origin: Origin, stream: http2.ServerHttp2Stream): Promise<void> {
  for (;;) {
    const buffer = new Uint8Array(MAX_FRAME_BYTES); // a new one each time: the stream keeps it until it is sent
    const count = await origin.read(buffer);
    if (count === null) break;
    if (!stream.write(buffer.subarray(0, count))) await drained(stream);
  }
  stream.end();
}
