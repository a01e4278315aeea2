import { assert, assertEquals } from "@std/assert";
import { concatBytes } from "../../../../src/bytes.ts";
import { ERROR, FLAG, FRAME, type H2Fault } from "../../../../src/masque/h2/codes.ts";
import { FrameReader } from "../../../../src/masque/h2/frame_reader.ts";
import {
  blockOf,
  encodeFrame,
  encodeHeaders,
  encodeNumbers,
  parseGoaway,
} from "../../../../src/masque/h2/frames.ts";
import { HeaderBlock } from "../../../../src/masque/h2/header_block.ts";
import { Patience } from "../../../../src/masque/h2/patience.ts";
import {
  DEFAULT_SETTINGS,
  encodeSettings,
  parseSettings,
} from "../../../../src/masque/h2/settings.ts";
import { ReceiveWindow, SendWindow } from "../../../../src/masque/h2/windows.ts";
import { type Dice, seededDice } from "../../random.ts";

const MAX_FRAME_BYTES = 300;

/** Frames as a reader sees them; pieces of one DATA frame are joined. */
interface Read {
  readonly frames: readonly (readonly [type: number, flags: number, streamId: number, string])[];
  readonly fault: number | undefined;
}

function read(bytes: Uint8Array<ArrayBuffer>, step = Math.max(1, bytes.length)): Read {
  const frames: [number, number, number, string][] = [];
  let data = "";
  const reader = new FrameReader({
    begin: () => void (data = ""),
    piece: (_header, piece) => {
      assert(piece.length > 0);
      data += piece.toHex();
      return undefined;
    },
    frame: ({ type, flags, streamId }, payload) => {
      frames.push([type, flags, streamId, type === FRAME.DATA ? data : payload.toHex()]);
      return undefined;
    },
  }, MAX_FRAME_BYTES);
  let fault: H2Fault | undefined;
  for (let at = 0; at < bytes.length && fault === undefined; at += step) {
    fault = reader.push(bytes.slice(at, at + step));
  }
  return { frames, fault: fault?.code };
}

/** The naive twin: knows the whole stream. */
function naiveRead(bytes: Uint8Array): Read {
  const frames: [number, number, number, string][] = [];
  const end = (fault?: number) => ({ frames, fault });
  for (let at = 0; at + 9 <= bytes.length;) {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, 9);
    const length = view.getUint32(0) >>> 8;
    const [type, flags] = [view.getUint8(3), view.getUint8(4)];
    const streamId = view.getUint32(5) & 0x7fffffff;
    if (length > MAX_FRAME_BYTES) return end(ERROR.FRAME_SIZE_ERROR);
    const onStream = [0, 1, 2, 3, 5, 9].includes(type);
    const onNone = [4, 6, 7].includes(type);
    if (onStream && streamId === 0) return end(ERROR.PROTOCOL_ERROR);
    if (onNone && streamId !== 0) return end(ERROR.PROTOCOL_ERROR);
    const exact = new Map([[3, 4], [6, 8], [8, 4]]).get(type);
    const least = new Map([[5, 4], [7, 8]]).get(type) ?? 0;
    const isWrong = (exact !== undefined && length !== exact) || length < least ||
      (type === 4 && length % 6 !== 0);
    if (isWrong) return end(ERROR.FRAME_SIZE_ERROR);
    let payload = bytes.slice(at + 9, at + 9 + length);
    if (type === FRAME.DATA && flags & FLAG.PADDED) {
      if (length === 0) return end(ERROR.FRAME_SIZE_ERROR);
      if (payload.length === 0) return end();
      if (1 + payload[0] > length) return end(ERROR.PROTOCOL_ERROR);
      payload = payload.slice(1, length - payload[0]);
    }
    at += 9 + length;
    if (at > bytes.length) return end();
    if (type <= 9) frames.push([type, flags, streamId, payload.toHex()]);
  }
  return end();
}

function randomFrame(dice: Dice): Uint8Array<ArrayBuffer> {
  const type = dice.pick([0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 77]);
  const usual = new Map([[3, 4], [4, 6 * dice.int(4)], [6, 8], [7, 8 + dice.int(9)], [8, 4]]);
  const odd = dice.int(12) === 0;
  const length = odd ? dice.pick([0, 1, 5, 299, 300, 301]) : usual.get(type) ?? dice.int(120);
  const flags = dice.pick([0, 0, FLAG.END_STREAM, FLAG.PADDED, 0xff]);
  const streamId = [4, 6, 7].includes(type) !== (dice.int(12) === 0) ? 0 : dice.pick([1, 3, 77]);
  const payload = dice.bytes(length);
  if (length > 0 && dice.int(3) > 0) payload[0] = dice.int(20);
  return encodeFrame(type, flags, streamId, payload);
}

Deno.test("Frames are read alike whole, byte by byte and in pieces, and as the naive twin reads them", () => {
  const dice = seededDice(9113);
  let faults = 0;
  for (let round = 0; round < 1_500; round++) {
    const frames = Array.from({ length: dice.int(6) }, () => randomFrame(dice));
    const bytes = concatBytes([...frames, dice.bytes(dice.int(9))]);
    const expected = naiveRead(bytes);
    for (const step of [undefined, 1, 2, 7, 64]) assertEquals(read(bytes, step), expected);
    if (expected.fault !== undefined) faults++;
  }
  assert(faults > 100, `${faults} faults`);
});

Deno.test("A stream of frames cut off at every length gives what was whole", () => {
  const bytes = concatBytes([
    encodeFrame(FRAME.SETTINGS, 0, 0, new Uint8Array(12)),
    encodeFrame(FRAME.DATA, FLAG.PADDED, 1, new Uint8Array([2, 7, 8, 0, 0])),
    encodeFrame(99, 0xff, 5, new Uint8Array(20)),
    encodeFrame(FRAME.DATA, FLAG.END_STREAM, 1),
  ]);
  const whole = read(bytes);
  assertEquals(whole.frames.map(([, , , payload]) => payload), ["00".repeat(12), "0708", ""]);
  for (let length = 0; length < bytes.length; length++) {
    const { frames, fault } = read(bytes.slice(0, length), 3);
    assertEquals(fault, undefined);
    assertEquals(frames, whole.frames.slice(0, frames.length));
  }
});

Deno.test("HEADERS give their fragment without padding and priority, or a fault", () => {
  const header = (flags: number) => ({ length: 0, type: FRAME.HEADERS, flags, streamId: 1 });
  const block = (flags: number, payload: number[]) => {
    const found = blockOf(header(flags), new Uint8Array(payload));
    return "code" in found ? found.code : [...found];
  };
  assertEquals(block(0, [1, 2]), [1, 2]);
  assertEquals(block(FLAG.PADDED, [1, 7, 0]), [7]);
  assertEquals(block(FLAG.PRIORITY, [0, 0, 0, 1, 9, 7]), [7]);
  assertEquals(block(FLAG.PADDED | FLAG.PRIORITY, [2, 0, 0, 0, 1, 9, 7, 0, 0]), [7]);
  assertEquals(block(FLAG.PADDED, [1]), ERROR.PROTOCOL_ERROR);
  assertEquals(block(FLAG.PADDED, []), ERROR.PROTOCOL_ERROR);
  assertEquals(block(FLAG.PRIORITY, [0, 0, 0]), ERROR.PROTOCOL_ERROR);
});

Deno.test("A long block leaves in HEADERS and CONTINUATION, and comes together again", () => {
  const dice = seededDice(3);
  for (const length of [0, 1, 100, 101, 250]) {
    const block = dice.bytes(length);
    const frames = encodeHeaders(5, block, true, 100);
    const collected = new HeaderBlock(300);
    for (const [i, frame] of frames.entries()) {
      const isLast = i === frames.length - 1;
      assertEquals(frame[3], i === 0 ? FRAME.HEADERS : FRAME.CONTINUATION);
      assertEquals((frame[4] & FLAG.END_HEADERS) !== 0, isLast);
      assertEquals((frame[4] & FLAG.END_STREAM) !== 0, i === 0);
      collected.add(frame.subarray(9));
    }
    assertEquals(collected.finish(), block);
  }
});

Deno.test("A block without an end is given up, by its bytes and by its frames", () => {
  const long = new HeaderBlock(100);
  assertEquals(long.add(new Uint8Array(100)), undefined);
  assertEquals(long.add(new Uint8Array(1))?.code, ERROR.ENHANCE_YOUR_CALM);
  const split = new HeaderBlock(100);
  for (let i = 0; i < 16; i++) assertEquals(split.add(new Uint8Array(0)), undefined);
  assertEquals(split.add(new Uint8Array(0))?.code, ERROR.ENHANCE_YOUR_CALM);
});

Deno.test("SETTINGS survive a round trip, and unknown ones are skipped", () => {
  const settings = {
    maxConcurrentStreams: 7,
    initialWindowBytes: 1 << 20,
    maxFrameBytes: 65_536,
    maxHeaderListBytes: 9_000,
    connectProtocol: true,
  };
  const bytes = encodeSettings(settings, true);
  assertEquals(parseSettings(bytes, DEFAULT_SETTINGS), settings);
  const unknown = concatBytes([new Uint8Array([0xab, 0xcd, 1, 2, 3, 4]), bytes]);
  assertEquals(parseSettings(unknown, DEFAULT_SETTINGS), settings);
  assertEquals(parseSettings(new Uint8Array(0), settings), settings);
  assertEquals(encodeSettings(DEFAULT_SETTINGS, false).length, 0);
});

Deno.test("Settings with values that there are not are faults", () => {
  const code = (id: number, value: number, before = DEFAULT_SETTINGS) => {
    const payload = new Uint8Array(6);
    new DataView(payload.buffer).setUint16(0, id);
    new DataView(payload.buffer).setUint32(2, value);
    const found = parseSettings(payload, before);
    return "code" in found ? found.code : undefined;
  };
  assertEquals(code(2, 2), ERROR.PROTOCOL_ERROR);
  assertEquals(code(4, 2 ** 31), ERROR.FLOW_CONTROL_ERROR);
  assertEquals(code(4, 2 ** 31 - 1), undefined);
  assertEquals(code(5, 16_383), ERROR.PROTOCOL_ERROR);
  assertEquals(code(5, 2 ** 24), ERROR.PROTOCOL_ERROR);
  assertEquals(code(8, 2), ERROR.PROTOCOL_ERROR);
  assertEquals(code(8, 0, { ...DEFAULT_SETTINGS, connectProtocol: true }), ERROR.PROTOCOL_ERROR);
  const many = parseSettings(new Uint8Array(6 * 65), DEFAULT_SETTINGS);
  assertEquals("code" in many && many.code, ERROR.ENHANCE_YOUR_CALM);
});

Deno.test("GOAWAY says its numbers, without the reserved bit", () => {
  const frame = encodeNumbers(FRAME.GOAWAY, 0, 0x8000_0005, ERROR.NO_ERROR);
  assertEquals(parseGoaway(frame.subarray(9)), { lastStreamId: 5, code: 0 });
});

Deno.test("A window to send grows to its bound and not beyond, and may fall below zero", () => {
  const window = new SendWindow(100);
  window.take(60);
  assert(window.change(-100));
  assertEquals(window.left, -60);
  assert(window.change(2 ** 31 - 1));
  assert(!window.change(61));
});

Deno.test("A window to receive opens a quarter at a time, and tells who sends too much", () => {
  const window = new ReceiveWindow(100_000);
  assert(window.take(100_000));
  assertEquals(window.free(24_999), 0);
  assertEquals(window.free(1), 25_000);
  assert(window.take(25_000));
  assert(!window.take(1));
  // Until our settings are read, the peer may use the default.
  assert(new ReceiveWindow(100).take(65_535));
});

Deno.test("Patience comes back with time, and each nuisance has its own", () => {
  const patience = new Patience();
  for (let i = 0; i < 50; i++) assertEquals(patience.spend("settings", 0), undefined);
  assertEquals(patience.spend("settings", 0)?.code, ERROR.ENHANCE_YOUR_CALM);
  assertEquals(patience.spend("ping", 0), undefined);
  assertEquals(patience.spend("settings", 1_000), undefined);
  const slow = new Patience();
  for (let i = 0; i < 10_000; i++) assertEquals(slow.spend("ping", i * 50), undefined);
});
