/**
 * Small CONNECT servers whose origin is a function of the test: HTTP/1.1 by hand, HTTP/2 by `node:http2`, plain TCP.
 *
 * @module
 */

import * as http2 from "node:http2";
import * as net from "node:net";
import { deferTeardown } from "./http2_session.ts";
import { CERT, KEY } from "./certificate.ts";
import { connFarSide, type FarSide, farSide, type Origin } from "./far_side.ts";

/** A server on loopback. */
export interface TestServer extends AsyncDisposable {
  readonly port: number;
  /** Connections accepted so far. */
  readonly connections: () => number;
  /** Heads of the requests so far, or their fields in HTTP/2. */
  readonly requests: string[];
  /** Ends every connection at once, as a killed process does. */
  kill(): void;
}

/** What the server answers before the origin gets the tunnel. */
export interface ServerOptions {
  readonly tls?: boolean;
  /** HTTP/1.1: the head to answer with, in pieces; the default is a plain 200. */
  readonly head?: (authority: string) => string | string[] | Promise<string | string[]>;
  /** HTTP/2: the fields to answer with; `undefined` never answers. */
  readonly respond?: (authority: string) => http2.OutgoingHttpHeaders | undefined;
  /** HTTP/2: takes extended CONNECT (RFC 8441). */
  readonly takesProtocols?: boolean;
  /** HTTP/2: streams at once on a connection. */
  readonly maxStreams?: number;
  readonly onSession?: (session: http2.ServerHttp2Session) => void;
}

/** HTTP/1.1 CONNECT. */
export function serveH1(origin: Origin, options: ServerOptions = {}): Promise<TestServer> {
  const requests: string[] = [];
  const onConnection = async (far: FarSide) => {
    let head = "";
    while (!head.endsWith("\r\n\r\n")) {
      const bytes = await far.read();
      if (bytes === null) return await far.end();
      head += String.fromCharCode(...bytes); // a client that sends more than a head before the answer never gets one
    }
    requests.push(head);
    const authority = head.split(" ")[1];
    const answer = [await options.head?.(authority) ?? "HTTP/1.1 200 OK\r\n\r\n"].flat();
    for (const piece of answer) {
      await far.write(Uint8Array.from(piece, (character) => character.charCodeAt(0)));
    }
    if (/^HTTP\/1.. (2|101)/.test(answer.join(""))) await origin({ ...far, authority });
    else await far.end();
  };
  if (options.tls) return listenTls(onConnection, requests);
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    onConnection(farSide("", socket, () => socket.resetAndDestroy())).catch(() => {}); // the test's side tells
  });
  return listen(server, requests);
}

/** Plain TCP: the origin itself. */
export function serveTcp(origin: Origin): Promise<TestServer> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    origin(farSide("", socket, () => socket.resetAndDestroy())).catch(() => {}); // the test's side tells
  });
  return listen(server, []);
}

/** HTTP/2 CONNECT. */
export function serveH2(origin: Origin, options: ServerOptions = {}): Promise<TestServer> {
  const requests: string[] = [];
  const settings = {
    maxConcurrentStreams: options.maxStreams,
    initialWindowSize: 1 << 18,
    enableConnectProtocol: options.takesProtocols,
  };
  const server = options.tls
    ? http2.createSecureServer({ cert: CERT, key: KEY, settings })
    : http2.createServer({ settings });
  server.on("session", (session: http2.ServerHttp2Session) => {
    deferTeardown(session);
    session.on("error", () => {});
    session.setLocalWindowSize(1 << 22);
    options.onSession?.(session);
  });
  server.on("stream", (stream: http2.ServerHttp2Stream, head: http2.IncomingHttpHeaders) => {
    stream.on("error", () => {});
    requests.push(JSON.stringify(head));
    const authority = String(head[":authority"]);
    const answer = options.respond ? options.respond(authority) : { ":status": 200 };
    if (answer === undefined) return;
    const open = answer[":status"] === 200;
    stream.respond(answer, { endStream: !open });
    // `destroy` with an error sends a bare RST_STREAM; `close` would send END_STREAM first.
    if (open) {
      origin(farSide(authority, stream, () => stream.destroy(new Error("reset")))).catch(() => {});
    }
  });
  return listen(server, requests, options.tls ? "secureConnection" : "connection");
}

async function listen(
  server: net.Server | http2.Http2Server | http2.Http2SecureServer,
  requests: string[],
  event = "connection",
): Promise<TestServer> {
  const sockets = new Set<net.Socket>();
  let connections = 0;
  const keep = (socket: net.Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  };
  server.on("connection", keep);
  server.on(event, (socket: net.Socket) => {
    connections++;
    keep(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const kill = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as net.AddressInfo).port,
    connections: () => connections,
    requests,
    kill,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      kill();
      await closed;
    },
  };
}

function listenTls(
  onConnection: (far: FarSide) => Promise<void>,
  requests: string[],
): Promise<TestServer> {
  const listener = Deno.listenTls({
    port: 0,
    hostname: "127.0.0.1",
    cert: CERT,
    key: KEY,
    alpnProtocols: ["http/1.1"],
  });
  const conns = new Set<Deno.Conn>();
  let connections = 0;
  const serving = (async () => {
    for await (const conn of listener) {
      connections++;
      conns.add(conn);
      onConnection(connFarSide("", conn)).catch(() => {}); // the test's side tells
    }
  })();
  const kill = () => {
    for (const conn of conns) {
      try {
        conn.close();
      } catch {
        // the origin has closed it
      }
    }
    conns.clear();
  };
  return Promise.resolve({
    port: listener.addr.port,
    connections: () => connections,
    requests,
    kill,
    async [Symbol.asyncDispose]() {
      listener.close();
      kill();
      await serving;
    },
  });
}
