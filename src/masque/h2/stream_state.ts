/**
 * What a connection knows of one stream (RFC 9113, section 5.1).
 *
 * @module
 */

import type { Field } from "../fields/field.ts";
import { ReceiveWindow, SendWindow } from "./windows.ts";

/** What follows a head: another head, the bytes of a tunnel, or a content that may have trailers; or why it is malformed. */
export type AfterHead = "head" | "tunnel" | "content" | { readonly malformed: string };

/** Who takes what comes on a stream. */
export interface StreamHandler {
  /** A head. */
  head(fields: readonly Field[]): AfterHead;
  /** Bytes behind it, which count against the stream's window until they are consumed; a view. */
  data(bytes: Uint8Array<ArrayBuffer>): void;
  /** The peer has ended its direction in order. */
  end(): void;
  /** It is over, in both directions, with this code; `reason` is half a sentence that begins with "it". */
  broken(code: number, reason: string): void;
  /** What was written, or the end of it, stands in the output; more may be written. */
  sent(): void;
}

/** One stream. Only the machine changes it. */
export class StreamState {
  readonly id: number;
  /** Set as soon as there is one. */
  handler!: StreamHandler;
  /** What may be sent. */
  readonly sending: SendWindow;
  /** What may come. */
  readonly receiving: ReceiveWindow;
  /** What is expected to come next; `content` also behind the last head of a request without any. */
  phase: "head" | "tunnel" | "content" = "head";
  /** Came and was not consumed. */
  heldBytes = 0;
  /** We have sent a head. */
  hasHead = false;
  /** END_STREAM has left, or come. */
  hasEndedOut = false;
  hasEndedIn = false;
  /** It was reset by either side, or its connection ended. */
  isBroken = false;
  /** What waits to be sent; empty for nothing. */
  pending: Uint8Array = NOTHING;
  /** The end waits behind it. */
  isEnding = false;

  /** A stream that opens with these windows. */
  constructor(id: number, sendBytes: number, receiveBytes: number) {
    this.id = id;
    this.sending = new SendWindow(sendBytes);
    this.receiving = new ReceiveWindow(receiveBytes);
  }
}

/** What waits where nothing does. */
export const NOTHING: Uint8Array = new Uint8Array(0);
