/**
 * One end of a connection as calls in place of streams: a read, a write and an event each cost no promise, and an end where nothing happens holds
 * nothing. `ByteStreams` makes Web Streams of one, for those who ask for them.
 *
 * @module
 */

type Bytes = Uint8Array<ArrayBuffer>;

/** What a read found in place of bytes: nothing yet, the end of what was sent, or that all was broken off. */
export type NoBytes = "wait" | "end" | "reset";

/** Whom an end tells what happens. Each is called in the midst of something, so it must not throw. */
export interface ByteListener {
  /** A read that said "wait" may look again. */
  onReadable(): void;
  /** A write or an end that said false is done. */
  onWritable(): void;
  /** Broken off, by whomever; `failure` says why. What came before may still be read. */
  onBroken(): void;
  /** Over, in order or not: `outcome` says how. */
  onClosed(): void;
}

/**
 * One end of a connection. Both directions are apart: an end of one is none of the other.
 *
 * @typeParam E How it ended
 */
export interface ByteEnd<E> {
  /** Takes what came, or says what there is in its place. After "wait" comes `onReadable`. */
  read(): Uint8Array<ArrayBuffer> | NoBytes;
  /** Sends a chunk, which belongs to this end from then on. False when the next one shall wait for `onWritable`. */
  write(chunk: Uint8Array<ArrayBuffer>): boolean;
  /** Says that no more will be written. False when that takes until `onWritable`. */
  end(): boolean;
  /** Says that nobody will read any more. */
  stopReading(reason: unknown): void;
  /** Breaks both directions off. */
  break(reason: unknown): void;
  /** Names who is told what happens from now on: once, and whoever it is reads then. */
  listen(listener: ByteListener): void;
  /** Why it was broken off; undefined while it was not. */
  readonly failure: unknown;
  /** Broken off before what the peer sends had its end. */
  readonly isCut: boolean;
  /** How it ended; undefined while it has not. */
  readonly outcome: E | undefined;
}

/** Web Streams over one end, which they take for themselves. They have no queue of their own. */
export class ByteStreams implements ByteListener {
  readonly readable: ReadableStream<Bytes>;
  readonly writable: WritableStream<Bytes>;
  readonly #end: ByteEnd<unknown>;
  #input!: ReadableStreamDefaultController<Bytes>;
  #output!: WritableStreamDefaultController;
  #isReading = true;
  /** Settles the pull under way. */
  #pulled: (() => void) | undefined;
  /** Settles the write or close under way. */
  #written: PromiseWithResolvers<void> | undefined;

  /** Takes over `end`. */
  constructor(end: ByteEnd<unknown>) {
    this.#end = end;
    this.readable = new ReadableStream<Bytes>({
      start: (controller) => void (this.#input = controller),
      pull: () => this.#pull(),
      cancel: (reason) => {
        this.#isReading = false;
        end.stopReading(reason);
      },
    }, { highWaterMark: 0 });
    this.writable = new WritableStream<Bytes>({
      start: (controller) => {
        this.#output = controller;
        // Not the sink's `abort`: that one waits for the write under way, which a peer that stalls never lets settle.
        const { signal } = controller;
        signal.addEventListener("abort", () => end.break(signal.reason));
      },
      write: (chunk) => this.#write(chunk),
      close: () => end.end() ? undefined : this.#whenWritten(),
    });
    end.listen(this);
  }

  #pull(): Promise<void> | undefined {
    if (this.#take()) return undefined;
    return new Promise((resolve) => this.#pulled = resolve);
  }

  /** Hands on what there is; false when that is nothing yet. */
  #take(): boolean {
    const found = this.#end.read();
    if (found === "wait") return false;
    if (found instanceof Uint8Array) this.#input.enqueue(found);
    else {
      this.#isReading = false;
      if (found === "end") this.#input.close();
      else this.#input.error(this.#end.failure);
    }
    return true;
  }

  #write(chunk: Bytes): Promise<void> | undefined {
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError(
        `Cannot write a chunk of type "${typeof chunk}": it must be a Uint8Array`,
      );
    }
    return this.#end.write(chunk) ? undefined : this.#whenWritten();
  }

  #whenWritten(): Promise<void> {
    // Broken off in this very call: there will be no event.
    if (this.#end.failure !== undefined) return Promise.reject(this.#end.failure);
    this.#written = Promise.withResolvers<void>();
    return this.#written.promise;
  }

  onReadable(): void {
    if (!this.#isReading || this.#pulled === undefined || !this.#take()) return;
    const pulled = this.#pulled;
    this.#pulled = undefined;
    pulled();
  }

  onWritable(): void {
    this.#written?.resolve();
    this.#written = undefined;
  }

  onBroken(): void {
    const { failure } = this.#end;
    this.#written?.reject(failure);
    this.#written = undefined;
    this.#output.error(failure);
    // Not when the next pull comes: who waits for something else shall hear of it, too.
    if (this.#isReading) this.#take();
    this.#pulled?.();
    this.#pulled = undefined;
  }

  onClosed(): void {
    this.onReadable();
  }
}
