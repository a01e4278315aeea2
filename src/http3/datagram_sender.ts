/**
 * Datagrams of one connection on their way out: a bounded queue that drops its oldest, because UDP may lose and late is worse than lost.
 *
 * @module
 */

/**
 * Handed to the runtime at once. It parks each in a task of its own while its buffer of 1 MiB is full, and wakes all of them for every free
 * place: 16 keep it busy, 10,000 were measured to stand still.
 */
const MAX_UNDER_WAY = 16;

/** What may wait beside them: 20 ms at 100 Mbit/s, as in a queue of capsules. */
const MAX_WAITING_BYTES = 256 * 1024;

/** What a waiting datagram costs beside its bytes. */
const OVERHEAD_BYTES = 128;

interface Waiting {
  readonly bytes: Uint8Array;
  readonly onLost: () => void;
}

/** The way out. */
export class DatagramSender {
  readonly #conn: Deno.QuicConn;
  #waiting: Waiting[] = [];
  /** Where the oldest of `#waiting` is. */
  #oldest = 0;
  #waitingBytes = 0;
  #underWay = 0;

  /** Sends on `conn`. */
  constructor(conn: Deno.QuicConn) {
    this.#conn = conn;
  }

  /** The longest datagram that fits at the moment; 0 when the peer takes none. */
  get maxBytes(): number {
    return this.#conn.maxDatagramSize;
  }

  /** Sends `bytes`, which must not change any more. `onLost` is called when they surely did not leave. */
  send(bytes: Uint8Array, onLost: () => void): void {
    if (this.#underWay < MAX_UNDER_WAY) return this.#start({ bytes, onLost });
    this.#waiting.push({ bytes, onLost });
    this.#waitingBytes += bytes.length + OVERHEAD_BYTES;
    while (this.#waitingBytes > MAX_WAITING_BYTES) this.#shift().onLost();
  }

  #start({ bytes, onLost }: Waiting): void {
    this.#underWay++;
    this.#conn.sendDatagram(bytes).catch(onLost).finally(this.#next);
  }

  readonly #next = (): void => {
    this.#underWay--;
    if (this.#oldest < this.#waiting.length) this.#start(this.#shift());
  };

  #shift(): Waiting {
    const oldest = this.#waiting[this.#oldest++];
    this.#waitingBytes -= oldest.bytes.length + OVERHEAD_BYTES;
    if (this.#oldest > 64 && 2 * this.#oldest > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#oldest);
      this.#oldest = 0;
    }
    return oldest;
  }
}
