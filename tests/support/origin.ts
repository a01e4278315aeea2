/**
 * The far end: small TCP and HTTP services on loopback, whose bytes can be told from any others.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** Length of the pattern; a prime, so that no lost or doubled block of a power of two goes unseen. */
const PATTERN_LENGTH = 65_521;

const PATTERN = makePattern();

/** A TCP service. */
export interface Service extends AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
  /** `hostname:port`, with brackets around an IPv6 address. */
  readonly authority: string;
}

/** `length` bytes of the pattern from `offset` of the endless stream on. */
export function patternBytes(offset: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const from = (offset + at) % PATTERN_LENGTH;
    const part = PATTERN.subarray(from, from + length - at);
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The first `length` bytes of the pattern, in chunks. */
export function patternStream(
  length: number,
  chunk = 64 * 1024,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent === length) return controller.close();
      const bytes = patternBytes(sent, Math.min(chunk, length - sent));
      sent += bytes.length;
      controller.enqueue(bytes);
    },
  }, { highWaterMark: 0 });
}

/** Reads to the end and counts; throws at the first byte that is not the pattern's. */
export async function readPattern(stream: AsyncIterable<Uint8Array>): Promise<number> {
  let length = 0;
  for await (const chunk of stream) {
    const expected = patternBytes(length, chunk.length);
    if (Buffer.compare(chunk, expected) !== 0) { // native: a loop in JavaScript costs seconds a gigabyte
      const wrong = chunk.findIndex((byte, at) => byte !== expected[at]);
      throw new Error(`Byte ${length + wrong} is ${chunk[wrong]}, and ${expected[wrong]} was sent`);
    }
    length += chunk.length;
  }
  return length;
}

/** Bytes of a connection to its FIN, or the first `length` of them. Unlike the connection's own `readable`, which closes the socket at the FIN, it leaves the other direction alone. */
export async function* readConnection(
  connection: Deno.Conn,
  length = Infinity,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let left = length; left > 0;) {
    const read = await connection.read(buffer.subarray(0, Math.min(left, buffer.length)));
    if (read === null) return;
    left -= read;
    yield buffer.slice(0, read);
  }
}

/** Writes all of `bytes`. */
export async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

/** Serves each TCP connection with `handle`, and closes it when that settles. Closing the service throws what `handle` threw. */
export function serveTcp(
  handle: (connection: Deno.TcpConn) => Promise<void>,
  hostname = "127.0.0.1",
  port = 0,
): Service {
  const listener = Deno.listen({ hostname, port });
  const open = new Map<Deno.TcpConn, Promise<void>>();
  const errors: unknown[] = [];
  let isClosing = false;
  const serve = async (connection: Deno.TcpConn) => {
    try {
      await handle(connection);
    } catch (error) {
      if (!isClosing && !isBrokenOff(error)) errors.push(error);
    } finally {
      if (open.delete(connection)) connection.close();
    }
  };
  const accepting = (async () => {
    for await (const connection of listener) open.set(connection, serve(connection));
  })();
  return service(hostname, listener.addr.port, async () => {
    isClosing = true;
    listener.close();
    await accepting;
    const rest = [...open];
    open.clear();
    rest.forEach(([connection]) => connection.close());
    await Promise.all(rest.map(([, done]) => done));
    if (errors.length > 0) throw new AggregateError(errors, "The origin failed");
  });
}

/** Sends back what comes, and its FIN after the last byte. */
export function serveEcho(hostname?: string): Service {
  return serveTcp(async (connection) => {
    for await (const chunk of readConnection(connection)) await writeAll(connection, chunk);
  }, hostname);
}

/** Reads what comes and, at its end, answers with the number of bytes, which must be the pattern's. */
export function serveDiscard(hostname?: string): Service {
  return serveTcp(async (connection) => {
    const length = await readPattern(readConnection(connection));
    await writeAll(connection, new TextEncoder().encode(`${length}`));
  }, hostname);
}

/** Sends `length` bytes of the pattern, then its FIN. */
export function serveChargen(length: number, hostname?: string): Service {
  return serveTcp(async (connection) => {
    for await (const chunk of patternStream(length)) await writeAll(connection, chunk);
  }, hostname);
}

/**
 * Sends and takes `length` bytes of the pattern at the same time, and one byte more when it has them all. Neither side
 * ends before the other has everything, so a proxy that takes the first end for both is no hindrance.
 */
export function serveExchange(length: number, hostname?: string): Service {
  return serveTcp((connection) => exchange(connection, length), hostname);
}

/** Either side of {@linkcode serveExchange}. */
export async function exchange(connection: Deno.Conn, length: number): Promise<void> {
  const send = async () => {
    for await (const chunk of patternStream(length)) await writeAll(connection, chunk);
  };
  const [got] = await Promise.all([readPattern(readConnection(connection, length)), send()]);
  if (got !== length) throw new Error(`${got} of ${length} bytes came`);
  await writeAll(connection, new Uint8Array(1));
  if (await connection.read(new Uint8Array(2)) !== 1) throw new Error("The last byte did not come");
}

/**
 * HTTP/1.1: `GET /` says hello, `GET /bytes/N` sends N bytes of the pattern, `POST /echo` sends the body back,
 * `POST /count` answers with the length of a body, which must be the pattern's.
 */
export function serveHttp(hostname = "127.0.0.1"): Service {
  const server = Deno.serve({ hostname, port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const bytes = /^\/bytes\/(\d+)$/.exec(pathname);
    if (bytes) {
      const headers = { "content-length": bytes[1] };
      return new Response(patternStream(Number(bytes[1])), { headers });
    }
    if (pathname === "/echo") return new Response(request.body);
    if (pathname === "/count") {
      return new Response(`${await readPattern(request.body ?? new Blob().stream())}\n`);
    }
    return pathname === "/"
      ? new Response("hello from the origin\n")
      : new Response("nothing here\n", { status: 404 });
  });
  return service(hostname, server.addr.port, () => server.shutdown());
}

function service(hostname: string, port: number, close: () => Promise<void>): Service {
  const authority = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  return { hostname, port, authority, [Symbol.asyncDispose]: close };
}

function isBrokenOff(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BrokenPipe;
}

/** Bytes of a linear congruential generator: no two places look alike, and every run has the same. */
function makePattern(): Uint8Array {
  const bytes = new Uint8Array(PATTERN_LENGTH);
  let state = 1;
  for (let at = 0; at < bytes.length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[at] = state >>> 16;
  }
  return bytes;
}
