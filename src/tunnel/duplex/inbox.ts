/**
 * Datagrams on their way to a reader, as a Web Stream: a bounded queue that drops its oldest.
 *
 * @module
 */

/** What may wait in one tunnel: as much as the kernel keeps for a UDP socket (`net.core.rmem_default`). */
const MAX_WAITING_BYTES = 212_992;

/** What a waiting datagram costs beside its payload, so that empty ones are bounded, too. */
const OVERHEAD_BYTES = 128;

/** A datagram's payload, and how to keep it: the original may be a view of something large that is used again. */
export interface Kind<D> {
  size(datagram: D): number;
  keep(datagram: D): D;
}

/** A stream of datagrams. */
export class Inbox<D> {
  readonly readable: ReadableStream<D>;
  readonly #kind: Kind<D>;
  #controller!: ReadableStreamDefaultController<D>;
  #waiting: D[] = [];
  /** Where the oldest of `#waiting` is. */
  #oldest = 0;
  #waitingBytes = 0;
  #wanted = false;
  #state: "open" | "ending" | "over" = "open";
  #dropped = 0;

  /** `onCancel` hears that nobody reads any more. */
  constructor(kind: Kind<D>, onCancel: (reason: unknown) => void) {
    this.#kind = kind;
    this.readable = new ReadableStream<D>({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#give(),
      cancel: (reason) => {
        this.#forget();
        onCancel(reason);
      },
    }, { highWaterMark: 0 });
  }

  /** Datagrams that nobody took in time. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a datagram in. */
  push(datagram: D): void {
    if (this.#state !== "open") return;
    if (this.#wanted) {
      this.#wanted = false;
      return this.#controller.enqueue(datagram);
    }
    this.#waitingBytes += this.#cost(datagram);
    this.#waiting.push(this.#kind.keep(datagram));
    while (this.#waitingBytes > MAX_WAITING_BYTES) {
      this.#shift();
      this.#dropped++;
    }
  }

  /** Closes the stream behind what waits. */
  close(): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    if (this.#oldest === this.#waiting.length) this.#finish();
  }

  /** Breaks the stream off. */
  error(reason: unknown): void {
    if (this.#state === "over") return;
    this.#forget();
    this.#controller.error(reason);
  }

  /** A reader waits. */
  #give(): void {
    if (this.#oldest < this.#waiting.length) this.#controller.enqueue(this.#shift());
    else if (this.#state === "ending") this.#finish();
    else this.#wanted = true;
  }

  #shift(): D {
    const datagram = this.#waiting[this.#oldest++];
    this.#waitingBytes -= this.#cost(datagram);
    if (this.#oldest > 64 && 2 * this.#oldest > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#oldest);
      this.#oldest = 0;
    }
    return datagram;
  }

  #cost(datagram: D): number {
    return this.#kind.size(datagram) + OVERHEAD_BYTES;
  }

  #finish(): void {
    this.#forget();
    this.#controller.close();
  }

  #forget(): void {
    this.#state = "over";
    this.#waiting = [];
    this.#oldest = 0;
  }
}
