import { assert, assertEquals, assertThrows } from "@std/assert";
import { ERROR, FLAG, FRAME, PREFACE } from "../../../../src/masque/h2/codes.ts";
import { encodeFrame, encodeNumbers } from "../../../../src/masque/h2/frames.ts";
import { DEFAULT_SETTINGS, encodeSettings } from "../../../../src/masque/h2/settings.ts";
import type { StreamState } from "../../../../src/masque/h2/stream_state.ts";
import { seededDice } from "../../random.ts";
import { Recorder, Rig, words } from "./rig.ts";

const data = (streamId: number, length: number, flags = 0) =>
  encodeFrame(FRAME.DATA, flags, streamId, new Uint8Array(length));
const settings = (values: Partial<typeof DEFAULT_SETTINGS>) =>
  encodeFrame(FRAME.SETTINGS, 0, 0, encodeSettings({ ...DEFAULT_SETTINGS, ...values }, false));

/** A client with one open stream, whose head has left. */
function clientWithStream(
  rig = new Rig("client"),
): { rig: Rig; state: StreamState; recorder: Recorder } {
  const recorder = new Recorder();
  const state = rig.machine.open([[":method", "CONNECT"]], false, recorder)!;
  rig.take();
  return { rig, state, recorder };
}

Deno.test("A client says its preface, its settings and its window first", () => {
  const rig = new Rig("client", { initialWindowBytes: 1 << 20 }, { silent: true });
  const buffer = new Uint8Array(1_000);
  const count = rig.machine.pollBytes(buffer);
  assertEquals(buffer.slice(0, PREFACE.length), PREFACE);
  assertEquals(
    buffer.slice(PREFACE.length, count).toHex(),
    "00000c0400000000000002000000000004001000000000040800000000000" + "00f0001",
  );
});

Deno.test("A tunnel opens, carries both ways, and ends in both directions by itself", () => {
  const { rig, state, recorder } = clientWithStream();
  rig.feed(rig.head(1, [[":status", "200"]]));
  assertEquals(recorder.said, ["head :status=200"]);
  rig.machine.write(state, new Uint8Array(10));
  assertEquals(words(rig.take()), ["DATA 1 10"]);
  rig.feed(data(1, 5), data(1, 0, FLAG.END_STREAM));
  assertEquals([recorder.bytes, recorder.said.pop()], [5, "end"]);
  rig.machine.write(state, new Uint8Array(3));
  rig.machine.endWrite(state);
  assertEquals(words(rig.take()), ["DATA 1 3 END"]);
  assertEquals(rig.machine.streams, 0);
});

Deno.test("A server takes requests, answers, and counts those that are open", () => {
  const rig = new Rig("server", { maxConcurrentStreams: 2 });
  assertEquals(rig.feed(rig.connect(1), rig.connect(3), rig.connect(5)), undefined);
  assertEquals([...rig.streams.keys()], [1, 3]);
  assertEquals(words(rig.take()), [`RST_STREAM 5 ${ERROR.REFUSED_STREAM}`]);
  const { state, recorder } = rig.streams.get(3)!;
  assertEquals(recorder.said, ["head :method=CONNECT :authority=a:1"]);
  rig.machine.sendHead(state, [[":status", "200"]]);
  assertEquals(words(rig.take()), ["HEADERS 3 2"]);
  rig.feed(encodeNumbers(FRAME.RST_STREAM, 3, ERROR.CANCEL), rig.connect(7));
  assertEquals(recorder.said.at(-1), `broken ${ERROR.CANCEL}`);
  assertEquals([...rig.streams.keys()], [1, 3, 7]);
});

Deno.test("Trailers end a content, frames of no known type are skipped, priorities are ignored", () => {
  const rig = new Rig("server");
  const opened = rig.connect(1);
  rig.streams.clear();
  assertEquals(rig.feed(opened), undefined);
  const { recorder, state } = rig.streams.get(1)!;
  state.phase = "content";
  rig.feed(
    encodeFrame(0x77, 0xff, 1, new Uint8Array(9)),
    encodeFrame(FRAME.PRIORITY, 0, 1, new Uint8Array(5)),
  );
  rig.feed(data(1, 3), rig.head(1, [["x", "y"]], FLAG.END_HEADERS | FLAG.END_STREAM));
  assertEquals(recorder.said.slice(1), ["end"]);
  assertEquals(recorder.bytes, 3);
});

Deno.test("Answers may have informational heads before them, and none may end the stream", () => {
  const { rig, recorder } = clientWithStream();
  recorder.next = "head";
  rig.feed(rig.head(1, [[":status", "103"]]));
  recorder.next = "content";
  rig.feed(rig.head(1, [[":status", "200"]]));
  assertEquals(recorder.said, ["head :status=103", "head :status=200"]);
  const second = clientWithStream();
  second.recorder.next = "head";
  second.rig.feed(second.rig.head(1, [[":status", "100"]], FLAG.END_HEADERS | FLAG.END_STREAM));
  assertEquals(second.recorder.said.at(-1), `broken ${ERROR.PROTOCOL_ERROR}`);
});

Deno.test("The peer's windows and frame size bound what leaves, and its updates let more leave", () => {
  const { rig, state } = clientWithStream();
  rig.machine.write(state, new Uint8Array(200_000));
  const sizes = (frames: { payload: Uint8Array }[]) => frames.map(({ payload }) => payload.length);
  assertEquals(sizes(rig.take()), [16_384, 16_384, 16_384, 16_383]);
  rig.feed(encodeNumbers(FRAME.WINDOW_UPDATE, 1, 100_000));
  assertEquals(rig.take(), [], "the connection's window is closed");
  rig.feed(settings({ maxFrameBytes: 1 << 17 }), encodeNumbers(FRAME.WINDOW_UPDATE, 0, 200_000));
  assertEquals(sizes(rig.take()), [0, 65_536, 34_464], "no longer than a turn");
  rig.feed(settings({ initialWindowBytes: 100_000 }));
  assertEquals(
    words(rig.take()).slice(1),
    ["DATA 1 34465"],
    "a larger initial window counts for open streams",
  );
});

Deno.test("A window may shrink below zero, and opens from there", () => {
  const { rig, state } = clientWithStream();
  rig.machine.write(state, new Uint8Array(60_000));
  rig.take();
  rig.feed(
    settings({ initialWindowBytes: 10_000 }),
    encodeNumbers(FRAME.WINDOW_UPDATE, 0, 100_000),
  );
  rig.machine.write(state, new Uint8Array(100));
  assertEquals(words(rig.take()), ["SETTINGS 0 0"]);
  rig.feed(encodeNumbers(FRAME.WINDOW_UPDATE, 1, 50_010));
  assertEquals(words(rig.take()), ["DATA 1 10"]);
});

Deno.test("What is consumed opens the stream's window, what comes opens the connection's", () => {
  const rig = new Rig("server", { initialWindowBytes: 40_000 }, { windowBytes: 80_000 });
  rig.feed(rig.connect(1), data(1, 16_000), data(1, 14_000));
  assertEquals(words(rig.take()), ["WINDOW_UPDATE 0 30000"]);
  const { state } = rig.streams.get(1)!;
  rig.machine.consume(state, 9_999);
  assertEquals(rig.take(), []);
  rig.machine.consume(state, 1);
  assertEquals(words(rig.take()), ["WINDOW_UPDATE 1 10000"]);
});

Deno.test("Padding opens the windows again by itself", () => {
  const rig = new Rig("server", { initialWindowBytes: 1_000 });
  rig.feed(rig.connect(1));
  const payload = new Uint8Array(251);
  payload[0] = 249;
  rig.feed(encodeFrame(FRAME.DATA, FLAG.PADDED, 1, payload));
  assertEquals(words(rig.take()), ["WINDOW_UPDATE 1 250"]);
  assertEquals(rig.streams.get(1)!.recorder.bytes, 1);
});

Deno.test("Streams take turns, frame by frame, and small ones do not wait for large ones", () => {
  const rig = new Rig("client");
  rig.feed(
    settings({ initialWindowBytes: 1 << 20, maxFrameBytes: 65_536 }),
    encodeNumbers(FRAME.WINDOW_UPDATE, 0, 1 << 24),
  );
  const streams = Array.from(
    { length: 3 },
    () => rig.machine.open([[":method", "CONNECT"]], false, new Recorder())!,
  );
  rig.take();
  rig.machine.write(streams[0], new Uint8Array(200_000));
  rig.machine.write(streams[1], new Uint8Array(200_000));
  rig.machine.write(streams[2], new Uint8Array(10));
  const order = rig.take().map(({ streamId }) => streamId);
  assertEquals(order.slice(0, 5), [1, 3, 5, 1, 3]);
});

Deno.test("Any buffer will do: frames come whole out of small ones", () => {
  const { rig, state, recorder } = clientWithStream();
  let left = 20;
  recorder.onSent = () => {
    if (left-- > 0) rig.machine.write(state, new Uint8Array(left * 31));
  };
  rig.machine.write(state, new Uint8Array(2_000));
  rig.machine.ping();
  const lengths = rig.take(57).filter(({ type }) => type === FRAME.DATA)
    .map(({ payload }) => payload.length);
  assertEquals(lengths.reduce((sum, length) => sum + length), 2_000 + 31 * 190);
});

Deno.test("A stream that begins while others send says its head before its data", () => {
  const { rig, state, recorder } = clientWithStream();
  recorder.onSent = () => {
    recorder.onSent = () => {};
    rig.machine.write(
      rig.machine.open([[":method", "CONNECT"]], false, new Recorder())!,
      new Uint8Array(5),
    );
  };
  rig.machine.write(state, new Uint8Array(5));
  assertEquals(words(rig.take()).map((word) => word.slice(0, 9)), [
    "DATA 1 5",
    "HEADERS 3",
    "DATA 3 5",
  ]);
});

Deno.test("A stream that was broken off sends nothing more, and what is on its way for it is nobody's", () => {
  const { rig, state, recorder } = clientWithStream();
  rig.feed(rig.head(1, [[":status", "200"]]));
  rig.machine.write(state, new Uint8Array(1_000));
  rig.machine.reset(state, ERROR.CANCEL);
  rig.machine.reset(state, ERROR.CANCEL);
  assertEquals(words(rig.take()), [`RST_STREAM 1 ${ERROR.CANCEL}`]);
  assertEquals(
    rig.feed(
      data(1, 100),
      encodeNumbers(FRAME.WINDOW_UPDATE, 1, 5),
      encodeNumbers(FRAME.RST_STREAM, 1, 8),
    ),
    undefined,
  );
  assertEquals(rig.feed(rig.head(1, [[":status", "200"]])), undefined);
  assertEquals([recorder.bytes, recorder.said], [0, ["head :status=200"]]);
});

Deno.test("GOAWAY breaks what the peer passes over, with the code that lets it be asked again", () => {
  const { rig, recorder } = clientWithStream();
  const second = new Recorder();
  rig.machine.open([[":method", "CONNECT"]], false, second);
  rig.feed(encodeNumbers(FRAME.GOAWAY, 0, 1, ERROR.NO_ERROR));
  assertEquals([rig.goaways, recorder.said, second.said], [[1], [], [
    `broken ${ERROR.REFUSED_STREAM}`,
  ]]);
});

Deno.test("PING and SETTINGS are answered, and acknowledgments are not", () => {
  const rig = new Rig("server");
  rig.feed(encodeFrame(FRAME.PING, 0, 0, new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])));
  const [answer] = rig.take();
  assertEquals([answer.type, answer.flags, answer.payload.toHex()], [
    FRAME.PING,
    FLAG.ACK,
    "0102030405060708",
  ]);
  rig.feed(
    encodeFrame(FRAME.PING, FLAG.ACK, 0, new Uint8Array(8)),
    encodeFrame(FRAME.SETTINGS, FLAG.ACK, 0),
  );
  assertEquals(rig.take(), []);
});

Deno.test("A mistake of the caller's is told at once", () => {
  const { rig, state } = clientWithStream();
  rig.machine.write(state, new Uint8Array(1));
  assertThrows(
    () => rig.machine.write(state, new Uint8Array(1)),
    TypeError,
    "wait for its last write",
  );
});

Deno.test("Two machines carry all bytes, through any cuts, windows and buffers", () => {
  const dice = seededDice(7);
  for (let round = 0; round < 20; round++) {
    const own = { initialWindowBytes: dice.pick([65_535, 1_000, 1 << 20]) };
    const options = { silent: true, windowBytes: dice.pick([65_535, 1 << 20]) };
    const [client, server] = [new Rig("client", own, options), new Rig("server", own, options)];
    const recorders = Array.from({ length: 4 }, () => new Recorder());
    const states = recorders.map((recorder) =>
      client.machine.open([[":method", "CONNECT"]], false, recorder)!
    );
    const left = states.map(() => 100_000);
    const buffer = new Uint8Array(dice.pick([100, 5_000, 1 << 18]));
    const carry = (from: Rig, to: Rig) => {
      for (let count; (count = from.machine.pollBytes(buffer)) > 0;) {
        const chunk = buffer.slice(0, count);
        const cut = dice.int(count + 1);
        assertEquals(to.feed(chunk.subarray(0, cut)), undefined);
        assertEquals(to.feed(chunk.subarray(cut)), undefined);
      }
      for (const { state } of to.streams.values()) {
        to.machine.consume(state, dice.int(state.heldBytes + 1));
      }
    };
    const isDone = () =>
      server.streams.size === 4 &&
      [...server.streams.values()].every(({ recorder }) => recorder.bytes === 100_000);
    for (let turn = 0; !isDone(); turn++) {
      for (const [i, state] of states.entries()) {
        if (state.pending.length > 0 || left[i] === 0) continue;
        const size = Math.min(left[i], dice.int(30_000) + 1);
        left[i] -= size;
        client.machine.write(state, new Uint8Array(size));
      }
      carry(client, server);
      carry(server, client);
      assert(turn < 5_000, "they do not come to an end");
    }
  }
});
