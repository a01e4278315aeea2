import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Cubic } from "../../../src/tcp/cubic.ts";
import { NewReno } from "../../../src/tcp/new_reno.ts";
import { SlowStart } from "../../../src/tcp/slow_start.ts";
import { newCongestion } from "../../../src/tcp/settings.ts";
import { established, SYN } from "../../support/script.ts";

const MSS = 1000;

/** A window of `segments`, reached in slow start. */
function grown(segments: number): Cubic {
  const cubic = new Cubic(MSS);
  cubic.onAck(segments * MSS - cubic.windowBytes, 0, 100);
  return cubic;
}

/** Acknowledges a window each round trip, segment by segment, until `untilMs`; gives the window in segments. */
function live(cubic: Cubic, fromMs: number, untilMs: number, rttMs: number): number {
  for (let now = fromMs; now < untilMs; now += rttMs) {
    const count = Math.floor(cubic.windowBytes / MSS);
    for (let i = 0; i < count; i++) cubic.onAck(MSS, now + (i * rttMs) / count, rttMs);
  }
  return cubic.windowBytes / MSS;
}

Deno.test("CUBIC keeps seven tenths after a loss, and never less than two segments", () => {
  const cubic = grown(100);
  cubic.onLoss(100 * MSS);
  assertAlmostEquals(cubic.windowBytes, 70 * MSS, 1);
  cubic.onLoss(1 * MSS);
  assertEquals(cubic.windowBytes, 2 * MSS);
});

Deno.test("CUBIC is back at the old window after K seconds, flat there, and steep beyond", () => {
  // K = cbrt(300 / 0.4) = 9.086 s (RFC 9438, section 4.2).
  const k = Math.cbrt(300 / 0.4) * 1000;
  for (
    const [untilMs, expected] of [[k / 2, 1000 - 0.4 * (k / 2000) ** 3], [k, 1000], [2 * k, 1300]]
  ) {
    const cubic = grown(1000);
    cubic.onLoss(1000 * MSS);
    assertAlmostEquals(live(cubic, 0, untilMs, 100), expected, 15);
  }
});

Deno.test("CUBIC grows by the clock: a round trip ten times as long gives the same window", () => {
  const windows = [20, 200].map((rttMs) => {
    const cubic = grown(1000);
    cubic.onLoss(1000 * MSS);
    return live(cubic, 0, 8000, rttMs);
  });
  assertAlmostEquals(windows[0], windows[1], 12);
});

Deno.test("CUBIC with a small window and a short round trip is no slower than Reno", () => {
  const [cubic, reno] = [grown(20), new NewReno(MSS)];
  reno.onAck(10 * MSS, 0, -1);
  cubic.onLoss(20 * MSS);
  reno.onLoss(20 * MSS);
  assertEquals(reno.windowBytes, 10 * MSS);
  for (let now = 0; now < 1000; now += 10) {
    cubic.onAck(cubic.windowBytes, now, 10);
    reno.onAck(reno.windowBytes, 0, -1);
  }
  assertEquals(cubic.windowBytes > 0.6 * reno.windowBytes, true, `${cubic.windowBytes}`);
  assertEquals(cubic.windowBytes > 40 * MSS, true);
});

Deno.test("CUBIC below its old peak leaves room: fast convergence", () => {
  const cubic = grown(1000);
  cubic.onLoss(1000 * MSS);
  // The second loss comes at 700: the curve is flat at 595, which is below, so at 0.85 of it.
  cubic.onLoss(700 * MSS);
  const k = Math.cbrt((0.85 * 700 - 490) / 0.4) * 1000;
  assertAlmostEquals(live(cubic, 0, k, 50), 595, 6);
});

Deno.test("CUBIC does not count the time in which nothing was to be sent", () => {
  const cubic = grown(1000);
  cubic.onLoss(1000 * MSS);
  const before = live(cubic, 0, 1000, 100);
  assertAlmostEquals(live(cubic, 61_000, 61_300, 100), before, 40);
});

Deno.test("CUBIC begins with one segment after a timeout, and flat at seven tenths of what was out", () => {
  const cubic = grown(100);
  cubic.onTimeout(100 * MSS, false);
  assertEquals(cubic.windowBytes, MSS);
  cubic.onTimeout(1 * MSS, true);
  cubic.onAck(69 * MSS, 0, 100);
  assertEquals(cubic.windowBytes, 70 * MSS);
  // Section 4.8: K is 0. In one second the curve rises by 0.4 segments, Reno's by 10 * 0.53.
  assertAlmostEquals(live(cubic, 0, 1000, 100), 75, 1);
});

Deno.test("after a pause the window of CUBIC is no larger than the initial one", () => {
  const cubic = grown(100);
  cubic.onIdle();
  assertEquals(cubic.windowBytes, 10 * MSS);
});

Deno.test("a loss that was none is taken back by both", () => {
  for (const control of [new Cubic(MSS), new NewReno(MSS)]) {
    control.onAck(90 * MSS, 0, 100);
    control.onLoss(100 * MSS);
    control.undo();
    assertEquals(control.windowBytes, 100 * MSS);
    // Slow start goes on: nothing was learned.
    control.onAck(MSS, 0, 100);
    assertEquals(control.windowBytes, 101 * MSS);
    control.onTimeout(100 * MSS, false);
    control.undo();
    assertEquals(control.windowBytes, 101 * MSS);
  }
});

Deno.test("the control is chosen by name, CUBIC when none is named", () => {
  assertEquals(newCongestion("newreno", MSS) instanceof NewReno, true);
  assertEquals(newCongestion("cubic", MSS) instanceof Cubic, true);
  const flight = (congestion?: "cubic" | "newreno") => {
    const script = established({ tcp: { congestion } }, { ...SYN, mss: 1000, sackOk: true });
    script.write(60_000);
    script.drain();
    script.until(10).send({ seq: 1, ack: 1, sack: [[1001, 10_001]] });
    // One segment again, and new ones up to seven or five of ten.
    return script.drain().length;
  };
  assertEquals([flight(), flight("cubic"), flight("newreno")], [7, 7, 5]);
});

Deno.test("slow start grows by a quarter once the round trip has grown, and ends after five such rounds (RFC 9406)", () => {
  const slowStart = new SlowStart();
  const round = (rttMs: number) => {
    let grown = 0;
    for (let i = 0; i < 10; i++) grown += slowStart.growth(MSS, 10 * MSS, rttMs);
    return grown;
  };
  assertEquals([round(50), round(55)], [10 * MSS, 10 * MSS]);
  // More than an eighth above: after eight samples the brake is on.
  assertEquals(round(63), 7 * MSS + 3 * MSS / 4);
  for (let i = 0; i < 4; i++) assertEquals(round(63), 10 * MSS / 4);
  assertEquals(round(63), 0);
});

Deno.test("slow start goes on where the longer round trip was an accident", () => {
  const slowStart = new SlowStart();
  const round = (rttMs: number) => {
    let grown = 0;
    for (let i = 0; i < 10; i++) grown += slowStart.growth(MSS, 10 * MSS, rttMs);
    return grown;
  };
  round(50);
  round(63);
  assertEquals(round(50) > 10 * MSS / 4, true);
  assertEquals(round(50), 10 * MSS);
});
