import { assert, assertEquals } from "@std/assert";
import { FLAG, FRAME } from "../../../../src/masque/h2/codes.ts";
import { encodeFrame } from "../../../../src/masque/h2/frames.ts";
import { PROBE, WindowGrowth } from "../../../../src/masque/h2/growth.ts";
import { StreamState } from "../../../../src/masque/h2/stream_state.ts";
import { Rig, words } from "./rig.ts";

const MIB = 1 << 20;

/** Far enough apart for each to be allowed. */
let now = 0;
const later = () => now += 1_000;

function streamOf(bytes: number): StreamState {
  return new StreamState(1, 0, bytes);
}

/** A peer that fills the window whenever it is asked; how large the window has become by each answer. */
function fill(growth: WindowGrowth, stream: StreamState, rounds: number): number[] {
  return Array.from({ length: rounds }, () => {
    if (growth.came(stream, MIB, later())) growth.came(stream, stream.receiving.size, now);
    growth.answered();
    return stream.receiving.size / MIB;
  });
}

Deno.test("a window doubles with each round trip that it bounds, up to 16 MiB", () => {
  assertEquals(fill(new WindowGrowth(), streamOf(MIB), 6), [2, 4, 8, 16, 16, 16]);
});

Deno.test("a window that is large enough stays, and is looked at half as often each time", () => {
  const growth = new WindowGrowth();
  const stream = streamOf(MIB);
  const probes: number[] = [];
  for (let came = 1; came <= 20; came++) {
    if (!growth.came(stream, MIB, later())) continue;
    probes.push(came);
    growth.answered();
  }
  assertEquals(probes, [1, 3, 7, 15]);
  assertEquals(stream.receiving.size, MIB);
});

Deno.test("all windows together grow by 32 MiB, and what one has had is free when it ends", () => {
  const growth = new WindowGrowth();
  const streams = Array.from({ length: 3 }, () => streamOf(MIB));
  assertEquals(streams.map((stream) => fill(growth, stream, 5).at(-1)), [16, 16, 3]);
  growth.ended(streams[0]);
  growth.ended(streams[0]); // counts once
  assertEquals(fill(growth, streams[2], 5).at(-1), 16);
});

Deno.test("a stream that ends while it is measured grows no more, and another is measured then", () => {
  const growth = new WindowGrowth();
  const [first, second] = [streamOf(MIB), streamOf(MIB)];
  assert(growth.came(first, MIB, later()));
  growth.came(first, MIB, later());
  assert(!growth.came(second, MIB, later())); // one at a time
  first.hasEndedIn = true;
  assertEquals(growth.answered(), undefined);
  assert(growth.came(second, 1, later()));
});

Deno.test("however many streams come and go, ten PINGs leave in a second", () => {
  const growth = new WindowGrowth();
  let asked = 0;
  for (let ms = 0; ms < 1_000; ms++) {
    if (!growth.came(streamOf(MIB), MIB, 1e9 + ms)) continue;
    asked++;
    growth.answered();
  }
  assertEquals(asked, 10);
});

Deno.test("a machine asks by a PING, and tells the peer of the larger window", () => {
  const size = 200_000;
  const settings = { initialWindowBytes: size, maxFrameBytes: size };
  const rig = new Rig("server", settings, { windowBytes: 16 * MIB });
  rig.feed(rig.connect(1));
  const { state } = rig.streams.get(1)!;
  const data = encodeFrame(FRAME.DATA, 0, 1, new Uint8Array(size / 2));
  const come = () => {
    rig.feed(data);
    rig.machine.consume(state, size / 2);
    return rig.take().filter(({ type }) => type === FRAME.PING);
  };
  let asked = come();
  for (let came = size / 2; came < MIB; came += size / 2) {
    assertEquals(asked, []);
    asked = come();
  }
  assertEquals(asked.map(({ payload }) => payload), [PROBE]);
  come();
  rig.feed(encodeFrame(FRAME.PING, FLAG.ACK, 0, new Uint8Array(8))); // of somebody else's
  assertEquals(rig.take(), []);
  rig.feed(encodeFrame(FRAME.PING, FLAG.ACK, 0, PROBE));
  assertEquals(words(rig.take()), [`WINDOW_UPDATE 1 ${size}`]);
  rig.feed(...Array.from({ length: 4 }, () => data)); // twice what it might send before
  assertEquals(words(rig.take()).filter((word) => word.startsWith("RST")), []);
});
