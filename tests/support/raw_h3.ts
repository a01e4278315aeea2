/**
 * An HTTP/3 connection in the hands of a test: requests field by field, and whatever bytes it likes.
 *
 * @module
 */

import { H3Connection } from "../../src/http3/connection.ts";
import type { H3Stream } from "../../src/http3/stream.ts";
import type { Field } from "../../src/masque/fields/field.ts";
import type { ResponseHead } from "../../src/masque/fields/message.ts";
import { readResponse } from "../../src/masque/h3/message.ts";

/** Where to. */
export interface RawTarget {
  readonly port: number;
  /** PEM. */
  readonly certificate?: string;
}

/** A request and its answer. */
export interface RawAnswer {
  readonly stream: H3Stream;
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
}

/** A connection that ends with its test. */
export interface RawH3 extends AsyncDisposable {
  readonly quic: Deno.QuicConn;
  readonly connection: H3Connection;
  /** Ids of the GOAWAYs so far. */
  readonly goaways: number[];
  /** Asks, and waits for the answer. */
  ask(fields: readonly Field[]): Promise<RawAnswer>;
}

/** Connects to a server on loopback. `isForeign` plays a client that knows nothing of our way to break a tunnel off. */
export async function connectRawH3(
  { port, certificate }: RawTarget,
  { isForeign = false }: { readonly isForeign?: boolean } = {},
): Promise<RawH3> {
  const endpoint = new Deno.QuicEndpoint({ hostname: "127.0.0.1", port: 0 });
  const quic = await Deno.connectQuic({
    hostname: "127.0.0.1",
    port,
    serverName: "localhost",
    caCerts: certificate === undefined ? undefined : [certificate],
    alpnProtocols: ["h3"],
    endpoint,
  });
  const goaways: number[] = [];
  const connection = new H3Connection(quic, {
    side: "client",
    maxHeadBytes: 16_384,
    connectProtocol: false,
    tunnelResets: !isForeign,
    onGoaway: (id) => void goaways.push(id),
  });
  await connection.settings;
  return {
    quic,
    connection,
    goaways,
    async ask(fields) {
      let response: ResponseHead | undefined;
      const stream = await connection.open((head) => {
        const read = readResponse(head);
        if ("code" in read) return read;
        response = read;
        return read.status < 300 ? "tunnel" : "content";
      });
      if (stream === undefined) throw new Error("the server allows no further stream");
      stream.sendHead(fields);
      await stream.head;
      return { stream, status: response!.status, fields: new Map(response!.fields) };
    },
    async [Symbol.asyncDispose]() {
      connection.close();
      await connection.closed;
      endpoint.close();
    },
  };
}
