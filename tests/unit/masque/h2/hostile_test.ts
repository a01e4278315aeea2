import { assert, assertEquals } from "@std/assert";
import { concatBytes } from "../../../../src/bytes.ts";
import { ERROR, FLAG, FRAME, PREFACE } from "../../../../src/masque/h2/codes.ts";
import { encodeFrame, encodeNumbers } from "../../../../src/masque/h2/frames.ts";
import type { StreamState } from "../../../../src/masque/h2/stream_state.ts";
import { seededDice } from "../../random.ts";
import { Recorder, Rig, words } from "./rig.ts";

const data = (streamId: number, length: number, flags = 0) =>
  encodeFrame(FRAME.DATA, flags, streamId, new Uint8Array(length));

/** A client with one open stream, whose head has left. */
function clientWithStream(
  rig = new Rig("client"),
): { rig: Rig; state: StreamState; recorder: Recorder } {
  const recorder = new Recorder();
  const state = rig.machine.open([[":method", "CONNECT"]], false, recorder)!;
  rig.take();
  return { rig, state, recorder };
}

Deno.test("Violations of the connection end it with the code that the RFC asks for", () => {
  const rows: readonly (readonly [string, (rig: Rig) => Uint8Array[], number])[] = [
    ["DATA on an idle stream", () => [data(9, 1)], ERROR.PROTOCOL_ERROR],
    [
      "RST_STREAM on an idle stream",
      () => [encodeNumbers(FRAME.RST_STREAM, 9, 0)],
      ERROR.PROTOCOL_ERROR,
    ],
    [
      "WINDOW_UPDATE on an idle stream",
      () => [encodeNumbers(FRAME.WINDOW_UPDATE, 9, 1)],
      ERROR.PROTOCOL_ERROR,
    ],
    [
      "a window opened by nothing",
      () => [encodeNumbers(FRAME.WINDOW_UPDATE, 0, 0)],
      ERROR.PROTOCOL_ERROR,
    ],
    [
      "a window opened too far",
      () => [encodeNumbers(FRAME.WINDOW_UPDATE, 0, 2 ** 31 - 1)],
      ERROR.FLOW_CONTROL_ERROR,
    ],
    ["an even stream", (rig) => [rig.connect(2)], ERROR.PROTOCOL_ERROR],
    [
      "PUSH_PROMISE",
      () => [encodeFrame(FRAME.PUSH_PROMISE, 0, 1, new Uint8Array(4))],
      ERROR.PROTOCOL_ERROR,
    ],
    [
      "CONTINUATION without a head",
      () => [encodeFrame(FRAME.CONTINUATION, 0, 1)],
      ERROR.PROTOCOL_ERROR,
    ],
    ["a frame within a head", (rig) => [rig.connect(1, 0), data(1, 1)], ERROR.PROTOCOL_ERROR],
    ["CONTINUATION of another stream", (rig) => [
      rig.connect(1, 0),
      encodeFrame(FRAME.CONTINUATION, FLAG.END_HEADERS, 3),
    ], ERROR.PROTOCOL_ERROR],
    [
      "an acknowledgment with content",
      () => [encodeFrame(FRAME.SETTINGS, FLAG.ACK, 0, new Uint8Array(6))],
      ERROR.FRAME_SIZE_ERROR,
    ],
    [
      "SETTINGS of five bytes",
      () => [encodeFrame(FRAME.SETTINGS, 0, 0, new Uint8Array(5))],
      ERROR.FRAME_SIZE_ERROR,
    ],
    ["a frame that is too long", () => [data(1, 16_385)], ERROR.FRAME_SIZE_ERROR],
    [
      "a block that is no HPACK",
      () => [encodeFrame(FRAME.HEADERS, FLAG.END_HEADERS, 1, new Uint8Array([0x80]))],
      ERROR.COMPRESSION_ERROR,
    ],
    [
      "a head that is too long",
      () => [encodeFrame(FRAME.HEADERS, 0, 1, new Uint8Array(1_001))],
      ERROR.ENHANCE_YOUR_CALM,
    ],
    ["a head in too many frames", (rig) => [
      rig.connect(1, 0),
      ...Array.from({ length: 16 }, () => encodeFrame(FRAME.CONTINUATION, 0, 1)),
    ], ERROR.ENHANCE_YOUR_CALM],
  ];
  for (const [what, frames, code] of rows) {
    const rig = new Rig("server");
    const fault = rig.feed(...frames(rig));
    assertEquals(fault?.code, code, what);
    assert(/^its? /.test(fault!.reason), fault!.reason);
    const last = rig.take().at(-1)!;
    assertEquals([last.type, last.payload[7]], [FRAME.GOAWAY, code], what);
    assertEquals(rig.feed(rig.connect(11)), undefined, "nothing more is taken");
    assertEquals(rig.streams.has(11), false);
  }
});

Deno.test("What comes before SETTINGS, or is no preface, ends the connection", () => {
  const early = new Rig("client", {}, { silent: true });
  assertEquals(
    early.feed(encodeFrame(FRAME.PING, 0, 0, new Uint8Array(8)))?.code,
    ERROR.PROTOCOL_ERROR,
  );
  const acked = new Rig("client", {}, { silent: true });
  assertEquals(acked.feed(encodeFrame(FRAME.SETTINGS, FLAG.ACK, 0))?.code, ERROR.PROTOCOL_ERROR);
  const other = new Rig("server", {}, { silent: true });
  assertEquals(
    other.feed(new TextEncoder().encode("GET / HTTP/1.1\r\n"))?.code,
    ERROR.PROTOCOL_ERROR,
  );
});

Deno.test("Violations of a stream reset it, and the connection goes on", () => {
  const rows: readonly (readonly [string, (rig: Rig) => Uint8Array[], number])[] = [
    ["DATA behind the end", (rig) => [rig.connect(1, 5), data(1, 1)], ERROR.STREAM_CLOSED],
    ["a head behind the end", (rig) => [rig.connect(1, 5), rig.connect(1)], ERROR.STREAM_CLOSED],
    ["a head in a tunnel", (rig) => [rig.connect(1), rig.connect(1)], ERROR.PROTOCOL_ERROR],
    [
      "a window opened by nothing",
      (rig) => [rig.connect(1), encodeNumbers(FRAME.WINDOW_UPDATE, 1, 0)],
      ERROR.PROTOCOL_ERROR,
    ],
    [
      "a window opened too far",
      (rig) => [rig.connect(1), encodeNumbers(FRAME.WINDOW_UPDATE, 1, 2 ** 31 - 1)],
      ERROR.FLOW_CONTROL_ERROR,
    ],
    [
      "more than the window",
      (rig) => [rig.connect(1), ...Array.from({ length: 5 }, () => data(1, 16_000))],
      ERROR.FLOW_CONTROL_ERROR,
    ],
    [
      "fields that count too much",
      (rig) => [rig.head(1, Array.from({ length: 40 }, () => ["x", ""] as const))],
      ERROR.ENHANCE_YOUR_CALM,
    ],
  ];
  for (const [what, frames, code] of rows) {
    const rig = new Rig("server", {}, { windowBytes: 1 << 20 });
    assertEquals(rig.feed(...frames(rig)), undefined, what);
    assertEquals(rig.streams.get(1)!.recorder.said.at(-1), `broken ${code}`, what);
    assert(words(rig.take()).includes(`RST_STREAM 1 ${code}`), what);
    assertEquals(rig.machine.streams, 0);
    rig.feed(rig.connect(3));
    assertEquals(rig.streams.get(3)!.recorder.said.length, 1, what);
  }
  const { rig, recorder } = clientWithStream();
  assertEquals(rig.feed(data(1, 1)), undefined);
  assertEquals(recorder.said, [`broken ${ERROR.PROTOCOL_ERROR}`], "DATA before a head");
});

Deno.test("Floods end the connection, and what a busy peer does does not", () => {
  const rows: readonly (readonly [string, (rig: Rig, i: number) => Uint8Array[], number])[] = [
    [
      "rapid resets",
      (rig, i) => [rig.connect(2 * i + 1), encodeNumbers(FRAME.RST_STREAM, 2 * i + 1, 8)],
      1_000,
    ],
    ["requests beyond the limit", (rig, i) => [rig.connect(2 * i + 1)], 1_010],
    ["PING", () => [encodeFrame(FRAME.PING, 0, 0, new Uint8Array(8))], 200],
    ["SETTINGS", () => [encodeFrame(FRAME.SETTINGS, 0, 0)], 49],
    ["empty DATA", (rig, i) => [...(i === 0 ? [rig.connect(1)] : []), data(1, 0)], 1_000],
    [
      "padding alone",
      (
        rig,
        i,
      ) => [
        ...(i === 0 ? [rig.connect(1)] : []),
        encodeFrame(FRAME.DATA, FLAG.PADDED, 1, new Uint8Array(1)),
      ],
      1_000,
    ],
    [
      "malformed requests",
      (rig, i) => [rig.head(2 * i + 1, Array.from({ length: 40 }, () => ["x", ""] as const))],
      100,
    ],
  ];
  for (const [what, frames, most] of rows) {
    const rig = new Rig("server", { maxConcurrentStreams: 10 });
    for (let i = 0; i < most; i++) {
      assertEquals(rig.feed(...frames(rig, i)), undefined, `${what} ${i}`);
    }
    assertEquals(rig.feed(...frames(rig, most))?.code, ERROR.ENHANCE_YOUR_CALM, what);
    const slow = new Rig("server", { maxConcurrentStreams: 10 });
    for (let i = 0; i < 2 * most; i++) {
      slow.now = i * 1_000;
      assertEquals(slow.feed(...frames(slow, i)), undefined, `${what}, slowly`);
      slow.take();
    }
  }
});

Deno.test("A reset behind the answer is no rapid reset", () => {
  const rig = new Rig("server");
  for (let i = 0; i < 3_000; i++) {
    const id = 2 * i + 1;
    rig.feed(rig.connect(id));
    rig.machine.sendHead(rig.streams.get(id)!.state, [[":status", "200"]]);
    assertEquals(rig.feed(encodeNumbers(FRAME.RST_STREAM, id, ERROR.CANCEL)), undefined);
    rig.take();
  }
});

Deno.test("Garbage in valid shapes ends in a fault or goes on, and nothing grows without a bound", () => {
  const dice = seededDice(44_487);
  for (let round = 0; round < 300; round++) {
    const rig = new Rig(dice.pick(["client", "server"] as const), { maxConcurrentStreams: 5 });
    for (let i = 0; i < 3; i++) rig.machine.open([[":method", "CONNECT"]], false, new Recorder());
    for (let i = 0; i < 60; i++) {
      const type = dice.int(11);
      const length = new Map([[3, 4], [4, 6 * dice.int(3)], [6, 8], [7, 8], [8, 4]]).get(type) ??
        dice.int(50);
      const id = [4, 6, 7].includes(type) ? 0 : dice.pick([1, 1, 3, 5, 7]);
      const frame = type === 1 && dice.int(2) === 0
        ? rig.connect(id)
        : encodeFrame(type, dice.pick([0, 1, 4, 5, 8, 0xff]), id, dice.bytes(length));
      if (dice.int(9) === 0) frame[dice.int(frame.length)] ^= 1 << dice.int(8);
      if (rig.feed(frame) !== undefined) break;
      assert(rig.machine.streams <= 8);
    }
    const buffer = new Uint8Array(1 << 16);
    while (rig.machine.pollBytes(buffer) > 0);
  }
  const noise = new Rig("server", {}, { silent: true });
  assertEquals(noise.feed(concatBytes([PREFACE, dice.bytes(100)])) === undefined, false);
});
