/**
 * One HTTP/2 connection of either side: a machine, a carrier, and the streams between them.
 *
 * What came in one chunk is handed to its streams when the chunk is through, and whatever is ready to be sent leaves in one write. While a write
 * is under way more gathers, so a busy connection writes much at a time and an idle one at once.
 *
 * @module
 */

import { codeName, ERROR } from "../masque/h2/codes.ts";
import type { Goaway } from "../masque/h2/frames.ts";
import { H2Machine } from "../masque/h2/machine.ts";
import type { H2Settings } from "../masque/h2/settings.ts";
import type { Field } from "../masque/fields/field.ts";
import type { Carrier } from "./carrier.ts";
import { H2Stream, type StreamHost, type TakeHead } from "./stream.ts";

/** What is gathered for one write: little for a connection that says little, and four frames for a busy one. More measured no faster. */
const WRITE_BYTES = { idle: 4_096, busy: 262_144 } as const;

/** What was said last gets so long to leave, before the connection is closed over it. */
const CLOSE_MS = 300;

/** What a connection is told, and whom it tells. */
export interface H2ConnectionOptions {
  /** Ours. */
  readonly side: "client" | "server";
  readonly settings: H2Settings;
  /** What the peer may send on all streams together. */
  readonly windowBytes: number;
  /** Bounds each head. */
  readonly maxHeadBytes: number;
  /** A request came: makes the one who reads its head. To a client none may come. */
  onRequest?(open: (takeHead: TakeHead) => H2Stream): void;
  /** The peer has sent SETTINGS. */
  onSettings?(settings: H2Settings): void;
  /** The peer takes no further streams. */
  onGoaway?(goaway: Goaway): void;
}

/** One connection. */
export class H2Connection {
  /** Settles when the connection is over; says why in half a sentence that begins with "it" or "the". */
  readonly closed: Promise<string>;
  readonly #machine: H2Machine;
  readonly #carrier: Carrier;
  readonly #host: StreamHost;
  readonly #touched = new Set<H2Stream>();
  /** Streams that the machine has forgotten, and that have not ended. */
  readonly #forgotten = new Set<H2Stream>();
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(WRITE_BYTES.idle);
  #isAwake = false;
  #isWriting = false;
  #isClosing = false;
  #isOver = false;
  #why: string | undefined;
  #closeTimer: ReturnType<typeof setTimeout> | undefined;

  /** Begins to speak through `carrier`. */
  constructor(carrier: Carrier, options: H2ConnectionOptions) {
    this.#carrier = carrier;
    const machine = this.#machine = new H2Machine(options, {
      request: (state) => {
        let opened: H2Stream | undefined;
        options.onRequest!((takeHead) => {
          opened = new H2Stream(this.#host, takeHead);
          opened.attach(state);
          return opened;
        });
        return opened!;
      },
      settings: (settings) => options.onSettings?.(settings),
      goaway: (goaway) => options.onGoaway?.(goaway),
    });
    this.#host = {
      machine,
      resetCode: options.side === "client" ? ERROR.CANCEL : ERROR.CONNECT_ERROR,
      wake: () => this.#wake(),
      touched: (stream) => void this.#touched.add(stream),
      forgotten: (stream) => {
        this.#forgotten.add(stream);
        stream.duplex.once("close", () => this.#forgotten.delete(stream));
      },
    };
    this.closed = this.#run();
    this.#wake();
  }

  /** What the peer has said about itself so far. */
  get peer(): H2Settings {
    return this.#machine.peer;
  }

  /** Whether nothing can go any more, or is about to. */
  get isOver(): boolean {
    return this.#isOver || this.#isClosing;
  }

  /** Opens a stream with a request; `undefined` when none can be opened on this connection any more. */
  open(
    fields: Iterable<Field>,
    takeHead: TakeHead,
    { endStream = false }: { readonly endStream?: boolean } = {},
  ): H2Stream | undefined {
    if (this.isOver) return undefined;
    const stream = new H2Stream(this.#host, takeHead);
    const state = this.#machine.open(fields, endStream, stream);
    if (state === undefined) return undefined;
    stream.attach(state);
    if (endStream) stream.duplex.end();
    this.#wake();
    return stream;
  }

  /** Asks whether the peer lives. */
  ping(): void {
    this.#machine.ping();
    this.#wake();
  }

  /** Takes no further streams; open ones go on. */
  sendGoaway(): void {
    this.#machine.goAway();
    this.#wake();
  }

  /** Ends the connection, and what is open on it; what was said before still leaves. */
  close(code: number = ERROR.NO_ERROR, reason: string = ""): void {
    if (this.isOver) return;
    this.#machine.goAway(code, reason);
    this.#closeSoon(reason || "the connection was closed");
  }

  /** Ends it at once. */
  destroy(): void {
    this.#over("the connection was given up");
    this.#carrier.destroy();
  }

  async #run(): Promise<string> {
    await this.#carrier.receive((bytes) => this.#take(bytes));
    this.#over("the connection to it broke");
    this.#carrier.destroy();
    return this.#why!;
  }

  #take(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.isOver) return;
    const fault = this.#machine.handleBytes(bytes, performance.now());
    for (const stream of this.#touched) stream.deliver();
    this.#touched.clear();
    if (fault !== undefined) this.#closeSoon(`${fault.reason} (${codeName(fault.code)})`);
    else if (this.#machine.hasOutput) this.#wake();
  }

  /** Closes when what is to be said has left. */
  #closeSoon(why: string): void {
    this.#why ??= why;
    this.#isClosing = true;
    this.#breakAll();
    this.#closeTimer = setTimeout(() => this.#carrier.destroy(), CLOSE_MS);
    this.#wake();
  }

  #over(why: string): void {
    if (this.#isOver) return;
    this.#why ??= why;
    this.#isOver = true;
    clearTimeout(this.#closeTimer);
    this.#breakAll();
  }

  #breakAll(): void {
    this.#machine.breakAll(this.#why!);
    for (const stream of this.#forgotten) stream.breakOff(this.#why!);
  }

  #wake(): void {
    if (this.#isAwake || this.#isWriting || this.#isOver) return;
    this.#isAwake = true;
    queueMicrotask(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isAwake = false;
    if (this.#isWriting || this.#isOver) return;
    const length = this.#machine.pollBytes(this.#buffer);
    if (length === 0) {
      if (this.#isClosing) this.#carrier.close();
      return;
    }
    this.#isWriting = true;
    this.#carrier.send(this.#buffer.subarray(0, length), this.#written);
    if (this.#machine.hasOutput && this.#buffer.length < WRITE_BYTES.busy) {
      this.#buffer = new Uint8Array(WRITE_BYTES.busy); // the other one is the carrier's until it has written
    }
  };

  readonly #written = (error?: unknown): void => {
    if (error) return; // nothing more can leave, and the end of what is received tells why
    this.#isWriting = false;
    if (this.#isClosing || this.#machine.hasOutput) this.#flush();
  };
}
