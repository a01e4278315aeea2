/**
 * A server of streaming POSTs whose origin is a function of the test: the two bodies are the two directions.
 *
 * @module
 */

import * as http from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { CERT, KEY } from "./certificate.ts";
import { type FarSide, farSide, type Origin } from "./far_side.ts";
import type { TestServer } from "./tunnel_servers.ts";

/** Answers every POST with a tunnel to `origin`, over HTTP/1.1 in the clear or over HTTP/2 in TLS, as `fetch` likes it. */
export function serveFetch(origin: Origin, options: { tls?: boolean } = {}): Promise<TestServer> {
  return options.tls ? serveOverH2(origin) : serveOverH1(origin);
}

/** By `node:http`: over HTTP/1.1 `Deno.serve` takes a body in that nobody reads, without a bound (Deno 2.9.6). */
async function serveOverH1(origin: Origin): Promise<TestServer> {
  const requests: string[] = [];
  const server = http.createServer((request, response) => {
    requests.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`);
    response.on("error", () => {});
    if (request.method !== "POST") return void response.writeHead(404).end();
    response.writeHead(200, { "capsule-protocol": "?1" }).flushHeaders();
    const reset = () => void request.socket.destroy();
    const far = farSide(request.url ?? "", request as unknown as Duplex, reset);
    origin({
      ...far,
      write: (bytes) =>
        new Promise((resolve, reject) => {
          response.write(bytes, (error) => error ? reject(error) : resolve());
        }),
      end: () => new Promise((resolve) => response.end(() => resolve())),
    }).catch(() => {}); // the test's side tells
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const kill = () => server.closeAllConnections();
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => requests.length,
    requests,
    kill,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      kill();
      await closed;
    },
  };
}

function serveOverH2(origin: Origin): Promise<TestServer> {
  const requests: string[] = [];
  const fars = new Set<FarSide>();
  const closing = new AbortController();
  const server = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    cert: CERT,
    key: KEY,
    signal: closing.signal,
    onListen: () => {},
    onError: () => new Response(null, { status: 500 }),
  }, (request) => {
    requests.push(`${request.method} ${request.url} ${JSON.stringify([...request.headers])}`);
    if (request.body === null) return new Response(null, { status: 404 });
    const { far, body } = bodiesSide(request.url, request.body);
    fars.add(far);
    origin(far).catch(() => {}); // the test's side tells
    return new Response(body, { headers: { "capsule-protocol": "?1" } });
  });
  const kill = () => {
    for (const far of fars) far.reset();
  };
  return Promise.resolve({
    port: server.addr.port,
    connections: () => requests.length,
    requests,
    kill,
    async [Symbol.asyncDispose]() {
      kill();
      closing.abort();
      await server.finished;
    },
  });
}

/** A far side over the body of a request, and the body of its response. */
function bodiesSide(
  authority: string,
  request: ReadableStream<Uint8Array<ArrayBuffer>>,
): { far: FarSide; body: ReadableStream<Uint8Array<ArrayBuffer>> } {
  const reader = request.getReader();
  const wanted: (() => void)[] = [];
  let controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  let isOver = false;
  const wake = () => wanted.splice(0).forEach((resolve) => resolve());
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (own) => void (controller = own),
    pull: wake,
    cancel: () => {
      isOver = true;
      wake();
    },
  }, { highWaterMark: 1 });
  const far: FarSide = {
    authority,
    read: async () => (await reader.read()).value ?? null,
    async write(bytes) {
      while (!isOver && controller.desiredSize! <= 0) {
        await new Promise<void>((resolve) => wanted.push(resolve));
      }
      if (isOver) throw new Error("the tunnel was reset");
      controller.enqueue(bytes);
    },
    async end() {
      if (isOver) return;
      isOver = true;
      controller.close();
      await reader.cancel().catch(() => {});
    },
    reset() {
      if (isOver) return;
      isOver = true;
      controller.error(new Error("reset"));
      reader.cancel().catch(() => {});
      wake();
    },
  };
  return { far, body };
}
