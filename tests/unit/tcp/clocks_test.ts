import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { initialWindow } from "../../../src/tcp/congestion.ts";
import { NewReno } from "../../../src/tcp/new_reno.ts";
import { initialSequence, sipHash, timestampOffset } from "../../../src/tcp/isn.ts";
import { RttEstimator } from "../../../src/tcp/rtt.ts";
import { type State, TRANSITIONS } from "../../../src/tcp/states.ts";
import { changeState, Tcb } from "../../../src/tcp/tcb.ts";
import { Timers } from "../../../src/tcp/timers.ts";

Deno.test("the RTO is that of RFC 6298: 1 s at first, SRTT + 4 RTTVAR then", () => {
  const rtt = new RttEstimator();
  assertEquals(rtt.rtoMs, 1000);
  rtt.sample(400); // SRTT 400, RTTVAR 200
  assertEquals(rtt.rtoMs, 1200);
  rtt.sample(800); // RTTVAR 0.75 * 200 + 0.25 * 400 = 250, SRTT 0.875 * 400 + 0.125 * 800 = 450
  assertEquals(rtt.rtoMs, 1450);
  rtt.sample(450); // RTTVAR 187.5, SRTT 450
  assertEquals(rtt.rtoMs, 1200);
});

Deno.test("the RTO has a floor and a ceiling, and a negative sample counts as zero", () => {
  const rtt = new RttEstimator();
  rtt.sample(-5);
  assertEquals([rtt.smoothedMs, rtt.rtoMs], [0, 200]);
  for (let i = 0; i < 100; i++) rtt.sample(10_000_000);
  assertEquals(rtt.rtoMs, 60_000);
});

Deno.test("an expiry doubles the RTO, a sample takes the doublings back", () => {
  const rtt = new RttEstimator();
  const seen = Array.from({ length: 8 }, () => {
    rtt.backOff();
    return rtt.rtoMs;
  });
  assertEquals(seen, [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  rtt.sample(100);
  assertEquals(rtt.rtoMs, 300);
});

Deno.test("progress caps the doublings at 3 s, and never the RTO itself", () => {
  const rtt = new RttEstimator();
  for (let i = 0; i < 9; i++) rtt.backOff();
  rtt.capBackoff();
  assertEquals(rtt.rtoMs, 2000);
  const slow = new RttEstimator();
  slow.sample(5000);
  slow.backOff();
  slow.capBackoff();
  assertEquals(slow.rtoMs, 15_000);
});

Deno.test("timers are set, stopped, asked, and taken once they have come", () => {
  const timers = new Timers();
  assertEquals([timers.next(), timers.takeExpired(1e9)], [Infinity, undefined]);
  timers.set("retransmit", 200);
  timers.set("persist", 100);
  timers.set("timeWait", 50);
  timers.set("finWait2", 300);
  timers.stop("timeWait");
  assertEquals([timers.next(), timers.isSet("timeWait"), timers.isSet("persist")], [
    100,
    false,
    true,
  ]);
  assertEquals(timers.takeExpired(99), undefined);
  assertEquals([timers.takeExpired(250), timers.takeExpired(250)].sort(), [
    "persist",
    "retransmit",
  ]);
  assertEquals([timers.takeExpired(250), timers.next()], [undefined, 300]);
  timers.set("finWait2", 400);
  assertEquals(timers.takeExpired(300), undefined);
  timers.stopAll();
  assertEquals(timers.next(), Infinity);
});

Deno.test("the initial window is that of RFC 6928", () => {
  assertEquals([536, 1460, 1461, 8960, 65_000].map(initialWindow), [
    5360,
    14_600,
    14_600,
    17_920,
    130_000,
  ]);
});

Deno.test("NewReno doubles in slow start, halves at a loss, and then adds a segment a round trip", () => {
  const reno = new NewReno(1000);
  assertEquals(reno.windowBytes, 10_000);
  for (let i = 0; i < 10; i++) reno.onAck(1000, 0, -1);
  assertEquals(reno.windowBytes, 20_000);
  reno.onLoss(20_000);
  assertEquals(reno.windowBytes, 10_000);
  for (let i = 0; i < 10; i++) reno.onAck(1000, 0, -1);
  assertAlmostEquals(reno.windowBytes, 11_000, 60);
});

Deno.test("a timeout leaves one segment, slow start up to half of what was out, and the threshold once", () => {
  const reno = new NewReno(1000);
  reno.onTimeout(10_000, false);
  assertEquals(reno.windowBytes, 1000);
  reno.onTimeout(1000, true);
  for (let i = 0; i < 4; i++) reno.onAck(1000, 0, -1);
  assertEquals(reno.windowBytes, 5000);
  reno.onAck(1000, 0, -1);
  assertEquals(reno.windowBytes, 5200);
});

Deno.test("half of next to nothing is two segments", () => {
  const reno = new NewReno(1000);
  reno.onLoss(1000);
  assertEquals(reno.windowBytes, 2000);
});

Deno.test("after a pause the window is no larger than the initial one", () => {
  const reno = new NewReno(1000);
  reno.onAck(50_000, 0, -1);
  reno.onIdle();
  assertEquals(reno.windowBytes, 10_000);
  reno.onTimeout(10_000, false);
  reno.onIdle();
  assertEquals(reno.windowBytes, 1000);
});

Deno.test("SipHash-2-4 gives the vectors of its authors", () => {
  // Key 00..0f, message 00..n-1; the outputs in little-endian, from the reference implementation's vectors.h.
  const vectors: [length: number, output: string][] = [
    [0, "310e0edd47db6f72"],
    [1, "fd67dc93c539f874"],
    [2, "5a4fa9d909806c0d"],
    [3, "2d7efbd796666785"],
    [7, "37d1018bf50002ab"],
    [8, "6224939a79f5f593"],
    [9, "b0e4a90bdf82009e"],
    [15, "e545be4961ca29a1"],
    [16, "db9bc2577fcc2a3f"],
    [63, "724506eb4c328a95"],
  ];
  const key = Uint8Array.from({ length: 16 }, (_, i) => i);
  for (const [length, output] of vectors) {
    const [low, high] = sipHash(key, Uint8Array.from({ length }, (_, i) => i));
    const view = new DataView(new ArrayBuffer(8));
    view.setUint32(0, low, true);
    view.setUint32(4, high, true);
    assertEquals(new Uint8Array(view.buffer).toHex(), output, `${length} bytes`);
  }
});

Deno.test("an initial number ticks every 4 microseconds, and the timestamp offset does not move", () => {
  const secret = Uint8Array.from({ length: 16 }, (_, i) => i);
  const tuple = Uint8Array.of(1, 2, 3);
  const first = initialSequence(secret, tuple, 0);
  assertEquals((initialSequence(secret, tuple, 1) - first) >>> 0, 250);
  assertEquals((initialSequence(secret, tuple, 20_000_000) - first) >>> 0, 5_000_000_000 % 2 ** 32);
  assertEquals(timestampOffset(secret, tuple), timestampOffset(secret, tuple));
});

Deno.test("the states change as the picture of RFC 9293 says, and in no other way", () => {
  const config = {
    mss: 1460,
    defaultPeerMss: 536,
    receiveBufferBytes: 1,
    sendBufferBytes: 1,
    maxPayloadBytes: 0,
    iss: 0,
    timestampOffset: 0,
  };
  const states = Object.keys(TRANSITIONS) as State[];
  for (const from of states) {
    for (const to of states) {
      const tcb = new Tcb(config, config, from);
      if (TRANSITIONS[from].includes(to)) {
        changeState(tcb, to);
        assertEquals(tcb.state, to);
      } else {
        assertThrows(() => changeState(tcb, to), Error, `from ${from} to ${to}`);
      }
    }
  }
  const reachable = new Set<State>(["HELD", "SYN-SENT"]);
  for (const state of reachable) TRANSITIONS[state].forEach((next) => reachable.add(next));
  assertEquals([...reachable].sort(), states.sort());
});
