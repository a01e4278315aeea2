/**
 * A shield around a fault of the runtime, for test servers and clients that speak HTTP/2 by `node:http2`, as an independent peer.
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
 */
export function deferTeardown<S extends Http2Session>(session: S): S {
  const close = session.close.bind(session);
  const destroy = session.destroy.bind(session);
  session.close = (callback) => void setImmediate(() => close(callback));
  session.destroy = (error, code) => void setImmediate(() => destroy(error, code));
  return session;
}
