/**
 * The origin's end of a tunnel in the hands of a test, over a `node:stream` duplex or over Web Streams. It shares no
 * code with the tunnels under test.
 *
 * @module
 */

import type { Duplex } from "node:stream";

/** Reads, writes, ends and breaks off, at the test's pace. */
export interface FarSide {
  /** The `host:port` that was asked for. */
  readonly authority: string;
  /** The next bytes; `null` after the other side's end. Rejects when the tunnel was reset. */
  read(): Promise<Uint8Array | null>;
  /** Settles when there is room for more. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  end(): Promise<void>;
  reset(): void;
}

/** What an origin does with a tunnel. */
export type Origin = (far: FarSide) => Promise<void>;

/** A far side over a socket or an HTTP/2 stream; `reset` is how that kind breaks off. */
export function farSide(authority: string, duplex: Duplex, reset: () => void): FarSide {
  const chunks: Uint8Array[] = [];
  let ended = false;
  let wake = () => {};
  duplex.on("data", (bytes: Uint8Array) => {
    chunks.push(bytes);
    duplex.pause();
    wake();
  });
  duplex.on("end", () => {
    ended = !duplex.destroyed;
    wake();
  });
  duplex.on("close", () => wake()).on("error", () => {});
  duplex.pause();
  return {
    authority,
    async read() {
      for (;;) {
        const bytes = chunks.shift();
        if (bytes !== undefined) return bytes;
        if (ended) return null;
        if (duplex.destroyed) throw new Error("the tunnel was reset");
        const woken = new Promise<void>((resolve) => wake = resolve);
        duplex.resume();
        await woken;
      }
    },
    write: (bytes) =>
      new Promise((resolve, reject) => {
        duplex.write(bytes, (error) => error ? reject(error) : resolve());
      }),
    end: () => new Promise((resolve) => duplex.end(() => resolve())),
    reset,
  };
}

/** A far side over Web Streams. */
export function webFarSide(
  authority: string,
  streams: {
    readable: ReadableStream<Uint8Array<ArrayBuffer>>;
    writable: WritableStream<Uint8Array<ArrayBuffer>>;
    reset(): void;
  },
): FarSide {
  const reader = streams.readable.getReader();
  const writer = streams.writable.getWriter();
  return {
    authority,
    read: async () => (await reader.read()).value ?? null,
    write: (bytes) => writer.write(bytes),
    end: () => writer.close(),
    reset: () => streams.reset(),
  };
}

/** A far side over a connection of Deno, which in TLS has none of the faults of `node:tls`. Its reset is an end, for want of a better one. */
export function connFarSide(authority: string, conn: Deno.Conn): FarSide {
  return {
    authority,
    async read() {
      const into = new Uint8Array(65_536);
      const length = await conn.read(into);
      return length === null ? null : into.subarray(0, length);
    },
    async write(bytes) {
      for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
    },
    end: () => conn.closeWrite(),
    reset: () => conn.close(),
  };
}

/** Sends back what comes, and ends when the other side has. */
export const echo: Origin = async (far) => {
  for (let bytes; (bytes = await far.read()) !== null;) await far.write(bytes.slice());
  await far.end();
};
