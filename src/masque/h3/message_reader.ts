/**
 * What comes on a request stream (RFC 9114, section 4.1): heads, and behind the last of them a tunnel or a content.
 *
 * @module
 */

import { ERROR, fault, FRAME, type H3Fault } from "./codes.ts";
import type { Field } from "../fields/field.ts";
import { decodeFieldSection, oversized } from "./field_section.ts";
import { FrameReader } from "./frame_reader.ts";

/** Who takes what was read. */
export interface MessageEvents {
  /** A field section. Says what follows it: another head, the bytes of a tunnel, or a content that may have trailers. */
  head(fields: readonly Field[]): "head" | "tunnel" | "content" | H3Fault;
  /** Bytes behind the head; a view. */
  data(bytes: Uint8Array<ArrayBuffer>): void;
}

/** How a stream ended. */
export type MessageEnd =
  /** In order. */
  | "whole"
  /** In the middle of a frame: it was broken off. */
  | "cut off"
  /** Before the head was there. */
  | "without head";

/** Reads one direction of one request stream. */
export class MessageReader {
  readonly #events: MessageEvents;
  readonly #maxHeadBytes: number;
  readonly #frames: FrameReader;
  #state: "head" | "tunnel" | "content" = "head";

  /** `maxHeadBytes` bounds each field section, as it comes and as RFC 9114, section 4.2.2, counts it. */
  constructor(maxHeadBytes: number, events: MessageEvents) {
    this.#events = events;
    this.#maxHeadBytes = maxHeadBytes;
    this.#frames = new FrameReader({
      begin: (type, length) => this.#begin(type, length),
      frame: (_type, payload) => this.#takeHead(payload),
      piece: (bytes) => void events.data(bytes),
    });
  }

  /** Feeds one chunk. */
  push(chunk: Uint8Array<ArrayBuffer>): H3Fault | undefined {
    return this.#frames.push(chunk);
  }

  /** The stream ended here. */
  end(): MessageEnd {
    if (!this.#frames.isAtBoundary) return "cut off";
    return this.#state === "head" ? "without head" : "whole";
  }

  #begin(type: number, length: number): number | "pieces" | H3Fault {
    switch (type) {
      case FRAME.DATA:
        return this.#state === "head" ? unexpected("DATA before a head") : "pieces";
      case FRAME.HEADERS:
        // Section 4.4: behind the head of a CONNECT there is only DATA.
        if (this.#state === "tunnel") return unexpected("HEADERS in a tunnel");
        if (this.#state === "content") return -1; // trailers, which say nothing that is asked for
        return length > this.#maxHeadBytes ? oversized(this.#maxHeadBytes) : this.#maxHeadBytes;
      case FRAME.CANCEL_PUSH:
      case FRAME.SETTINGS:
      case FRAME.GOAWAY:
      case FRAME.MAX_PUSH_ID:
        return unexpected(`a frame of type ${type} on a request stream`);
      case FRAME.PUSH_PROMISE:
        return fault(ERROR.ID_ERROR, "it promises a push that nobody allowed");
      default:
        return -1;
    }
  }

  #takeHead(payload: Uint8Array): H3Fault | undefined {
    const fields = decodeFieldSection(payload, this.#maxHeadBytes);
    if ("code" in fields) return fields;
    const next = this.#events.head(fields);
    if (typeof next === "object") return next;
    this.#state = next;
  }
}

function unexpected(what: string): H3Fault {
  return fault(ERROR.FRAME_UNEXPECTED, `it sends ${what}`);
}
