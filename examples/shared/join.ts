/**
 * A socket of this machine and a tunnel, joined: ends pass as ends, and resets as resets.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { OpenTunnel } from "../../mod.ts";

/** Bytes of a connection that were read already, and those to come. */
export class Incoming implements AsyncIterable<Uint8Array<ArrayBuffer>> {
  readonly #chunks: AsyncIterator<Uint8Array<ArrayBuffer>>;
  #unread: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  /** Nobody else may read `socket`. */
  constructor(socket: Socket) {
    this.#chunks = socket.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]();
  }

  /** The next `length` bytes. Rejects when the connection ends before. */
  async take(length: number): Promise<Uint8Array<ArrayBuffer>> {
    while (this.#unread.length < length) await this.#more();
    return this.#cut(length);
  }

  /** The same, and they stay there. */
  async peek(length: number): Promise<Uint8Array<ArrayBuffer>> {
    while (this.#unread.length < length) await this.#more();
    return this.#unread.slice(0, length);
  }

  /** The head of an HTTP/1.1 message, its empty line included, as text. Rejects when it is longer than `limit`. */
  async takeHead(limit: number): Promise<string> {
    for (;;) {
      const text = String.fromCharCode(...this.#unread.subarray(0, limit));
      const end = text.indexOf("\r\n\r\n");
      if (end >= 0) return String.fromCharCode(...this.#cut(end + 4));
      if (this.#unread.length >= limit) throw new Error("The head of the request is too long");
      await this.#more();
    }
  }

  /** What is left, to the end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    if (this.#unread.length > 0) yield this.#cut(this.#unread.length);
    for (let next; !(next = await this.#chunks.next()).done;) yield new Uint8Array(next.value);
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#chunks.next();
    if (done) throw new Error("The connection ended too early");
    const longer = new Uint8Array(this.#unread.length + value.length);
    longer.set(this.#unread);
    longer.set(value, this.#unread.length);
    this.#unread = longer;
  }

  #cut(length: number): Uint8Array<ArrayBuffer> {
    const bytes = this.#unread.slice(0, length);
    this.#unread = this.#unread.subarray(length);
    return bytes;
  }
}

/** Writes, and settles once there is room for more. */
export function write(socket: Socket, bytes: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => error ? reject(error) : resolve());
  });
}

/** Joins the two until both directions have ended. `first` goes to the tunnel before all. Never rejects. */
export async function join(
  socket: Socket,
  incoming: AsyncIterable<Uint8Array<ArrayBuffer>>,
  tunnel: OpenTunnel,
  first?: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const outbound = async () => {
    const writer = tunnel.writable.getWriter();
    try {
      if (first !== undefined) await writer.write(first);
      for await (const chunk of incoming) await writer.write(chunk);
      await writer.close();
    } catch (error) {
      await writer.abort(error).catch(() => {});
      throw error;
    }
  };
  const inbound = async () => {
    for await (const chunk of tunnel.readable) await write(socket, chunk);
    socket.end();
  };
  // A client that goes away while nobody writes to it must take the tunnel with it.
  const gone = () => void tunnel.writable.abort().catch(() => {});
  try {
    await Promise.all([outbound(), inbound()]);
  } catch {
    gone();
    socket.resetAndDestroy(); // what was cut must not look complete
  }
}
