/**
 * An HTTP/2 server in bare frames, for what `node:http2` cannot say: a GOAWAY that passes every request over (its 0 means the last one).
 *
 * @module
 */

import * as net from "node:net";

/** The frame types that a test looks at (RFC 9113, section 6). */
export const FRAME = { data: 0, headers: 1, settings: 4, ping: 6, goaway: 7 } as const;

/** A frame from the client. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** Sends a frame to the client. */
export type Send = (type: number, flags: number, streamId: number, payload?: Uint8Array) => void;

/** `:status: 200` in HPACK's static table. */
export const STATUS_200 = Uint8Array.of(0x88);

const ACK = 0x1;
const PREFACE_BYTES = 24;
const HEADER_BYTES = 9;

/** Serves; `onFrame` gets each frame with the number of its connection, counted from 1. SETTINGS are answered already. */
export async function serveRawH2(
  onFrame: (frame: Frame, connection: number, send: Send) => void,
): Promise<AsyncDisposable & { readonly port: number }> {
  let connections = 0;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    const connection = ++connections;
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    const send: Send = (type, flags, streamId, payload = new Uint8Array(0)) => {
      const header = [0, payload.length >> 8, payload.length & 255, type, flags];
      socket.write(Uint8Array.from([...header, 0, 0, streamId >> 8, streamId & 255, ...payload]));
    };
    send(FRAME.settings, 0, 0);
    let bytes = new Uint8Array(0);
    let skip = PREFACE_BYTES;
    socket.on("data", (more: Uint8Array) => {
      bytes = Uint8Array.from([...bytes, ...more]);
      for (;;) {
        const length = (bytes[skip] << 16) | (bytes[skip + 1] << 8) | bytes[skip + 2];
        const end = skip + HEADER_BYTES + length;
        if (bytes.length < skip + HEADER_BYTES || bytes.length < end) return;
        const [type, flags, , , high, low] = bytes.subarray(skip + 3);
        const payload = bytes.slice(skip + HEADER_BYTES, end);
        bytes = bytes.slice(end);
        skip = 0;
        if (type === FRAME.settings && flags === 0) send(FRAME.settings, ACK, 0);
        onFrame({ type, flags, streamId: (high << 8) | low, payload }, connection, send);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
