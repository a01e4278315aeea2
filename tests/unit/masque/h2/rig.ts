/**
 * A machine with a recorder on each of its streams, and a peer that is a list of frames.
 *
 * @module
 */

import { concatBytes, getU32 } from "../../../../src/bytes.ts";
import type { Field } from "../../../../src/masque/fields/field.ts";
import { FLAG, FRAME, type H2Fault, PREFACE } from "../../../../src/masque/h2/codes.ts";
import { encodeFrame } from "../../../../src/masque/h2/frames.ts";
import { HpackEncoder } from "../../../../src/masque/h2/hpack/encoder.ts";
import { H2Machine } from "../../../../src/masque/h2/machine.ts";
import type { MachineOptions } from "../../../../src/masque/h2/options.ts";
import { DEFAULT_SETTINGS, type H2Settings } from "../../../../src/masque/h2/settings.ts";
import type {
  AfterHead,
  StreamHandler,
  StreamState,
} from "../../../../src/masque/h2/stream_state.ts";

/** A frame as it was sent. */
export interface SentFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** What became of a stream. */
export class Recorder implements StreamHandler {
  readonly said: string[] = [];
  bytes = 0;
  next: AfterHead = "tunnel";
  onSent: () => void = () => {};
  head(fields: readonly Field[]): AfterHead {
    this.said.push(`head ${fields.map((field) => field.join("=")).join(" ")}`);
    return this.next;
  }
  data(bytes: Uint8Array): void {
    this.bytes += bytes.length;
  }
  end(): void {
    this.said.push("end");
  }
  broken(code: number): void {
    this.said.push(`broken ${code}`);
  }
  sent(): void {
    this.said.push("sent");
    this.onSent();
  }
}

/** A machine under test. */
export class Rig {
  readonly machine: H2Machine;
  /** By number, those that the peer opened. */
  readonly streams = new Map<number, { state: StreamState; recorder: Recorder }>();
  readonly goaways: number[] = [];
  now = 0;
  readonly #peer = new HpackEncoder();

  /** The peer's preface and its SETTINGS have come already, unless `silent`. */
  constructor(
    side: "client" | "server",
    settings: Partial<H2Settings> = {},
    { silent = false, windowBytes = 1 << 20 }: { silent?: boolean; windowBytes?: number } = {},
  ) {
    const options: MachineOptions = {
      side,
      settings: { ...DEFAULT_SETTINGS, ...settings },
      windowBytes,
      maxHeadBytes: 1_000,
    };
    this.machine = new H2Machine(options, {
      request: (state) => {
        const recorder = new Recorder();
        this.streams.set(state.id, { state, recorder });
        return recorder;
      },
      settings: () => {},
      goaway: ({ lastStreamId }) => void this.goaways.push(lastStreamId),
    });
    if (silent) return;
    if (side === "server") this.feed(PREFACE);
    this.feed(encodeFrame(FRAME.SETTINGS, 0, 0));
    this.take();
  }

  /** Bytes of the peer's. */
  feed(...parts: Uint8Array[]): H2Fault | undefined {
    return this.machine.handleBytes(concatBytes(parts), this.now);
  }

  /** A head of the peer's. */
  head(streamId: number, fields: Iterable<Field>, flags: number = FLAG.END_HEADERS) {
    return encodeFrame(FRAME.HEADERS, flags, streamId, this.#peer.encode(fields));
  }

  /** A CONNECT of the peer's. */
  connect(streamId: number, flags: number = FLAG.END_HEADERS): Uint8Array<ArrayBuffer> {
    return this.head(streamId, [[":method", "CONNECT"], [":authority", "a:1"]], flags);
  }

  /** What the machine sends, in buffers of so many bytes. */
  take(bufferBytes = 1 << 18): SentFrame[] {
    const chunks: Uint8Array[] = [];
    const buffer = new Uint8Array(bufferBytes);
    for (let count; (count = this.machine.pollBytes(buffer)) > 0;) {
      chunks.push(buffer.slice(0, count));
    }
    let bytes = concatBytes(chunks);
    if (new TextDecoder().decode(bytes.subarray(0, 3)) === "PRI") {
      bytes = bytes.slice(PREFACE.length);
    }
    return framesOf(bytes);
  }
}

/** Whole frames, one behind the other. */
export function framesOf(bytes: Uint8Array<ArrayBuffer>): SentFrame[] {
  const frames: SentFrame[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = getU32(bytes, at) >>> 8;
    const [type, flags] = [bytes[at + 3], bytes[at + 4]];
    const payload = bytes.slice(at + 9, at + 9 + length);
    if (payload.length < length) throw new Error("The output ends within a frame");
    frames.push({ type, flags, streamId: getU32(bytes, at + 5), payload });
    at += 9 + length;
  }
  return frames;
}

/** Frames in short words: type, stream, length. */
export function words(frames: readonly SentFrame[]): string[] {
  const names = Object.keys(FRAME);
  return frames.map(({ type, streamId, flags, payload }) => {
    const code = type === FRAME.RST_STREAM || type === FRAME.WINDOW_UPDATE
      ? getU32(payload, 0)
      : undefined;
    const end = type <= FRAME.HEADERS && flags & FLAG.END_STREAM ? " END" : "";
    return `${names[type]} ${streamId} ${code ?? payload.length}${end}`;
  });
}
