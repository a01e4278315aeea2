/**
 * The peer's unidirectional streams (RFC 9114, section 6.2): each says first what it is.
 *
 * @module
 */

import { ERROR, fault, type H3Fault, STREAM } from "./codes.ts";
import { type ControlEvents, ControlReader } from "./control_reader.ts";
import { DecoderStreamReader, EncoderStreamReader } from "./table_streams.ts";
import { getVarint, varintLengthAt } from "../varint.ts";

/** Whoever reads on a stream of a known type. */
interface Reader {
  push(chunk: Uint8Array<ArrayBuffer>): H3Fault | undefined;
}

/** All of them, of one connection. */
export class PeerStreams {
  readonly #side: "client" | "server";
  readonly #events: ControlEvents;
  readonly #known = new Set<number>();

  /** `side` is ours. */
  constructor(side: "client" | "server", events: ControlEvents) {
    this.#side = side;
    this.#events = events;
  }

  /** The reader of one more stream. */
  open(): PeerStream {
    return new PeerStream((type) => this.#begin(type));
  }

  #begin(type: number): Reader | "ignore" | H3Fault {
    // Push streams come from servers, and only after a MAX_PUSH_ID that we never send (section 4.6).
    if (type === STREAM.PUSH) {
      return this.#side === "client"
        ? fault(ERROR.ID_ERROR, "it pushes although nobody allowed it")
        : fault(ERROR.STREAM_CREATION_ERROR, "it pushes although it is a client");
    }
    const isKnown = type === STREAM.CONTROL || type === STREAM.QPACK_ENCODER ||
      type === STREAM.QPACK_DECODER;
    if (!isKnown) return "ignore";
    if (this.#known.has(type)) {
      return fault(ERROR.STREAM_CREATION_ERROR, `it opens a second stream of type ${type}`);
    }
    this.#known.add(type);
    if (type === STREAM.CONTROL) return new ControlReader(this.#side, this.#events);
    return type === STREAM.QPACK_ENCODER ? new EncoderStreamReader() : new DecoderStreamReader();
  }
}

/** One of them. */
export class PeerStream {
  readonly #begin: (type: number) => Reader | "ignore" | H3Fault;
  #head: number[] = [];
  #reader: Reader | undefined;

  /** `begin` is told the type. */
  constructor(begin: (type: number) => Reader | "ignore" | H3Fault) {
    this.#begin = begin;
  }

  /** Feeds one chunk: `ignore` when nobody here wants this stream (section 6.2: stop reading, and no more). */
  push(chunk: Uint8Array<ArrayBuffer>): "ignore" | H3Fault | undefined {
    for (let at = 0; at < chunk.length; at++) {
      if (this.#reader !== undefined) return this.#reader.push(chunk.subarray(at));
      this.#head.push(chunk[at]);
      if (this.#head.length < varintLengthAt(this.#head[0])) continue;
      const reader = this.#begin(getVarint(new Uint8Array(this.#head), 0));
      if (reader === "ignore" || "code" in reader) return reader;
      this.#reader = reader;
    }
  }

  /** The stream ended, or was reset: a stream of a known type must not (section 6.2.1; RFC 9204, section 4.2). */
  end(): H3Fault | undefined {
    if (this.#reader === undefined) return undefined;
    return fault(ERROR.CLOSED_CRITICAL_STREAM, "it ends a stream that has to stay");
  }
}
