/**
 * TLS over a socket whose ciphertext passes through our hands.
 *
 * `node:tls` on a socket of its own has four faults in Deno 2.9.6: a paused socket is read on without a bound, an end that
 * comes with the last bytes can get lost, a connection cut off reads like an orderly end, and a reset cannot be sent. With the
 * ciphertext fed by hand all four are decided here, and throughput measured the same.
 *
 * @module
 */

import type * as net from "node:net";
import { Duplex } from "node:stream";
import { type Connection, failureOf } from "./connection.ts";

/** Ciphertext that may wait on either side: four reads of a socket. */
const BUFFER_BYTES = 1 << 18;

/** What is counted of a connection. */
type Counts = Pick<Connection, "received">;

/** Ciphertext on its way between a socket and TLS. */
export class CipherPipe {
  /** What TLS runs over. */
  readonly duplex: Duplex;
  readonly #socket: Duplex;
  readonly #counts: Counts & Pick<Connection, "localAddress" | "remoteAddress">;
  #held = false;
  #wanted = false;
  #socketEnded = false;
  #cut = false;

  /** `socket` must be connected, and paused. What is no socket of the kernel brings `counts` of its own. */
  constructor(socket: net.Socket);
  constructor(socket: Duplex, counts: Counts);
  constructor(socket: Duplex, counts: Counts = countsOf(socket as net.Socket)) {
    this.#socket = socket;
    this.#counts = counts;
    this.duplex = new Duplex({
      allowHalfOpen: true,
      readableHighWaterMark: BUFFER_BYTES,
      writableHighWaterMark: BUFFER_BYTES,
      read: () => {
        this.#wanted = true;
        this.#flow();
      },
      write: (bytes, _encoding, done) => void socket.write(bytes, done),
      writev: (parts, done) => {
        socket.cork();
        parts.forEach(({ chunk }, i) => {
          socket.write(chunk, i === parts.length - 1 ? done : undefined);
        });
        socket.uncork();
      },
      final: (done) => void socket.end(done),
      destroy: (error, done) => {
        socket.destroy();
        done(error);
      },
    });
    socket.on("data", (bytes) => {
      this.#wanted = this.duplex.push(bytes);
      this.#flow();
    });
    socket.on("end", () => this.#socketEnded = true);
    socket.on("error", (error) => this.duplex.destroy(error));
    socket.on("close", () => this.#socketEnded || this.duplex.destroy());
  }

  /** The connection that `tls`, running over this pipe, makes of it. */
  connection(tls: net.Socket): Connection {
    this.#socket.on("end", () => this.#finish(tls));
    if (this.#socketEnded) this.#finish(tls);
    return {
      socket: tls,
      failure: failureOf(tls),
      pause: () => {
        this.#held = true;
        this.#flow();
      },
      resume: () => {
        this.#held = false;
        this.#flow();
      },
      reset: () => {
        if (!this.#socket.destroyed) resetOf(this.#socket);
        tls.destroy();
      },
      endedInOrder: () => !this.#cut && !tls.destroyed,
      ...this.#counts,
    };
  }

  #flow(): void {
    if (this.#wanted && !this.#held) this.#socket.resume();
    else this.#socket.pause();
  }

  /**
   * After the FIN: TLS first takes what came before it. Only if no `close_notify` was among that, the connection was cut
   * off (RFC 8446, section 6.1).
   */
  #finish(tls: net.Socket): void {
    setImmediate(() => {
      if (tls.destroyed || this.duplex.destroyed) return;
      if (this.duplex.readableLength > 0) return this.#finish(tls);
      setImmediate(() => {
        this.#cut = !tls.readableEnded;
        this.duplex.push(null);
        if (this.#cut) tls.destroy();
      });
    });
  }
}

function countsOf(socket: net.Socket) {
  const { localAddress, remoteAddress } = socket;
  return {
    received: () => socket.bytesRead,
    localAddress,
    remoteAddress,
  };
}

function resetOf(socket: Duplex): void {
  if ("resetAndDestroy" in socket) (socket as net.Socket).resetAndDestroy();
  else socket.destroy(); // of a tunnel that is a reset
}
