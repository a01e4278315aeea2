/**
 * An open tunnel as a `node:stream` duplex: what `node:tls` and HTTP/2 run over.
 *
 * @module
 */

import { Duplex } from "node:stream";
import { plain } from "./duplex_tunnel.ts";
import type { OpenTunnel } from "../tunnel.ts";

/** A duplex that counts. */
export interface TunnelDuplex {
  /** Reads and writes the tunnel; destroying it before both directions have ended resets the tunnel. */
  readonly duplex: Duplex;
  /** Bytes received so far. */
  received(): number;
}

/** Takes over both streams of `tunnel`. */
export function tunnelDuplex(
  { readable, writable }: Pick<OpenTunnel, "readable" | "writable">,
): TunnelDuplex {
  const reader = readable.getReader();
  const writer = writable.getWriter();
  let received = 0;
  const take = async (duplex: Duplex) => {
    try {
      const { value } = await reader.read();
      received += value?.length ?? 0;
      duplex.push(value ?? null);
    } catch (error) {
      duplex.destroy(error as Error);
    }
  };
  const duplex: Duplex = new Duplex({
    read: () => void take(duplex),
    // A copy that is no Buffer: the tunnel owns what it is given, and Node's pool does not.
    write: (chunk, _encoding, done) =>
      void writer.write(plain(chunk).slice()).then(() => done(), done),
    final: (done) => void writer.close().then(() => done(), done),
    destroy: (error, done) => {
      reader.cancel(error).catch(() => {});
      writer.abort(error).catch(() => {});
      done(error);
    },
  });
  duplex.on("error", () => {}); // whoever runs over it hears of it by `close`
  return { duplex, received: () => received };
}
