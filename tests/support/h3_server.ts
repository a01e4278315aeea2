/**
 * A small CONNECT server over HTTP/3 whose origin is a function of the test.
 *
 * @module
 */

import { H3Connection } from "../../src/http3/connection.ts";
import type { H3Stream, TakeHead } from "../../src/http3/stream.ts";
import type { RequestHead } from "../../src/masque/fields/message.ts";
import { readRequest } from "../../src/masque/h3/message.ts";
import { CERT, KEY } from "./certificate.ts";
import { farSide, type Origin } from "./far_side.ts";
import type { TestServer } from "./tunnel_servers.ts";

/** What the server answers before the origin gets the tunnel. */
export interface H3ServerOptions {
  /** The status and the fields to answer with; `undefined` never answers. */
  readonly respond?: (authority: string) => Readonly<Record<string, string>> | undefined;
  /** Takes extended CONNECT (RFC 9220). */
  readonly takesProtocols?: boolean;
  /** Streams at once on a connection. */
  readonly maxStreams?: number;
  /** Takes no datagrams beside the streams. */
  readonly capsulesOnly?: boolean;
  /** Knows nothing of our way to break a tunnel off, like everybody else's servers. */
  readonly isForeign?: boolean;
  /** Each stream, as soon as its head is there. */
  readonly onStream?: (stream: H3Stream, connection: H3Connection, quic: Deno.QuicConn) => void;
}

/** HTTP/3 CONNECT, and what else a head asks for. */
export function serveH3(origin: Origin, options: H3ServerOptions = {}): TestServer {
  const endpoint = new Deno.QuicEndpoint({ hostname: "127.0.0.1", port: 0 });
  const listener = endpoint.listen({
    cert: CERT,
    key: KEY,
    alpnProtocols: ["h3"],
    maxConcurrentBidirectionalStreams: options.maxStreams,
  });
  const requests: string[] = [];
  const open = new Set<H3Connection>();
  const ended: Promise<unknown>[] = [];
  let connections = 0;

  const serve = (quic: Deno.QuicConn) => {
    connections++;
    const connection: H3Connection = new H3Connection(quic, {
      side: "server",
      maxHeadBytes: 16_384,
      connectProtocol: options.takesProtocols ?? false,
      tunnelResets: !options.isForeign,
      datagrams: !options.capsulesOnly,
      onRequest: (openStream) => void take(openStream, connection, quic),
    });
    open.add(connection);
    ended.push(connection.closed.then(() => open.delete(connection)));
  };

  const take = async (
    openStream: (takeHead: TakeHead) => H3Stream,
    connection: H3Connection,
    quic: Deno.QuicConn,
  ) => {
    let request: RequestHead | undefined;
    const stream = openStream((fields) => {
      const read = readRequest(fields);
      if ("code" in read) return read;
      requests.push(JSON.stringify(Object.fromEntries(fields)));
      request = read;
      return "tunnel";
    });
    try {
      await stream.head;
    } catch {
      return; // the test's side tells
    }
    options.onStream?.(stream, connection, quic);
    const authority = request!.authority!;
    const answer = options.respond ? options.respond(authority) : { ":status": "200" };
    if (answer === undefined || stream.duplex.destroyed) return;
    stream.sendHead(Object.entries(answer));
    if (!answer[":status"].startsWith("2")) {
      stream.stopReading();
      stream.duplex.end();
      return;
    }
    const far = farSide(authority, stream.duplex, () => stream.breakOff("the origin reset"));
    await Promise.resolve(origin(far)).catch(() => {});
  };

  const accepting = (async () => {
    for await (const incoming of listener) {
      ended.push(Promise.resolve(incoming.accept()).then(serve, () => {}));
    }
  })();
  const kill = () => {
    for (const connection of open) connection.close();
  };
  return {
    port: endpoint.addr.port,
    connections: () => connections,
    requests,
    kill,
    async [Symbol.asyncDispose]() {
      kill();
      listener.stop();
      endpoint.close();
      await accepting;
      await Promise.all(ended);
    },
  };
}
