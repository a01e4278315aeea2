/**
 * A shield around a fault of the runtime: a leaf, because both ends of the protocol (tunnel and proxy) hold sessions.
 *
 * In Deno 2.9.5 and 2.9.6 `node:http2` frees the native session inside `destroy()`, and `close()` destroys a session
 * that has no streams. Both are called by the module itself while nghttp2 is still reading the frame that caused them:
 * a peer's GOAWAY on an idle session is enough. nghttp2 then goes on with freed memory and the process aborts
 * ("find_stream_on_goaway_func", "free(): invalid pointer"; denoland/deno issue 36788). No code can catch that.
 *
 * @module
 */

import type { Http2Session } from "node:http2";

/**
 * Puts `close` and `destroy` of a session off to the next turn of the event loop, when nghttp2 is not on the stack.
 * Call it as soon as there is a session: in the `session` event of a server, or right after `connect`. Returns the session.
 *
 * @example A client session that survives an early GOAWAY
 * ```ts
 * import http2 from "node:http2";
 * import { deferTeardown } from "./http2_session.ts";
 *
 * const server = http2.createServer();
 * server.on("session", deferTeardown);
 * await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
 * const { port } = server.address() as { port: number };
 * const session = deferTeardown(http2.connect(`http://127.0.0.1:${port}`));
 * await new Promise<void>((resolve) => session.close(resolve));
 * await new Promise<unknown>((resolve) => server.close(resolve));
 * ```
 */
export function deferTeardown<S extends Http2Session>(session: S): S {
  const close = session.close.bind(session);
  const destroy = session.destroy.bind(session);
  session.close = (callback) => void setImmediate(() => close(callback));
  session.destroy = (error, code) => void setImmediate(() => destroy(error, code));
  return session;
}
