import { assertEquals } from "@std/assert";
import { type Script, type Sent, SYN, synReceived } from "../../support/script.ts";

const SACK: Sent = { ...SYN, mss: 1000, sackOk: true };

/** SRTT is 50 ms, the RTO 200, and at 1000 ms `count` segments leave; `syn` may have other options. */
function tail(count: number, syn: Sent = SACK): Script {
  const script = synReceived({}, syn).until(50).send({ seq: 1, ack: 1, window: syn.window });
  script.events("opened").write(1000);
  // Once more, so that RTTVAR is small: 18.75.
  script.expect("PA 1+1000 ack 1").until(100).send({ seq: 1, ack: 1001, window: syn.window });
  script.until(1000).write(1000 * count);
  assertEquals(script.drain().length, count);
  return script;
}

Deno.test("a lost tail is probed after two round trips, and RACK mends the rest from the answer", () => {
  const script = tail(6).until(1050).send({ seq: 1, ack: 4001 });
  script.until(1149).until(1160, "1150: PA 6001+1000 ack 1");
  // The probe arrived, what left before it did not.
  script.until(1200).send({ seq: 1, ack: 4001, sack: [[6001, 7001]] });
  script.expect("A 4001+1000 ack 1", "A 5001+1000 ack 1");
  script.until(1250).send({ seq: 1, ack: 7001 }).expect().until(5000);
});

Deno.test("a single segment is given the time of a delayed ACK, and its probe comes in place of the first timeout", () => {
  // 2 SRTT + 200 ms would be 300: the RTO is sooner.
  tail(1).until(1190).until(1410, "1200: PA 1001+1000 ack 1", "1400: PA 1001+1000 ack 1");
});

Deno.test("the probe is new data where there is some, beyond the congestion window", () => {
  const script = tail(10);
  script.write(2000);
  script.expect().until(1110, "1100: A 11001+1000 ack 1");
});

Deno.test("but not beyond the window of the program", () => {
  const script = tail(4, { ...SACK, window: 4000 });
  script.write(2000);
  script.expect().until(1110, "1100: A 4001+1000 ack 1");
});

Deno.test("one probe is all: without an answer the timer takes over", () => {
  tail(3).until(1300, "1100: PA 3001+1000 ack 1", "1300: A 1001+1000 ack 1");
});

/** Sends `count` segments and counts what of them leaves at once. */
function burst(script: Script, count: number): number {
  script.write(1000 * count);
  return script.drain().length;
}

Deno.test("a probe that mended a loss costs what a loss costs", () => {
  const script = tail(6).until(1160, "1100: PA 6001+1000 ack 1");
  // All arrived but the last, and then the probe.
  script.send({ seq: 1, ack: 6001 }).until(1165).send({ seq: 1, ack: 7001 });
  assertEquals(burst(script, 1), 1);
  script.until(1200).send({ seq: 1, ack: 8001 });
  assertEquals(burst(script, 20) < 10, true);
});

Deno.test("a probe whose first copy had only been late costs nothing, as a D-SACK tells", () => {
  const script = tail(6).until(1160, "1100: PA 6001+1000 ack 1");
  script.send({ seq: 1, ack: 7001 }).until(1165).send({ seq: 1, ack: 7001, sack: [[6001, 7001]] });
  assertEquals(burst(script, 1), 1);
  script.until(1200).send({ seq: 1, ack: 8001 });
  assertEquals(burst(script, 20) >= 10, true);
});

Deno.test("without SACK, and while holes are reported, there are no probes", () => {
  tail(3, { ...SYN, mss: 1000 }).until(1170);
  const script = tail(3).until(1060).send({ seq: 1, ack: 1001, sack: [[2001, 3001]] });
  script.until(1230, "1073: A 1001+1000 ack 1").send({ seq: 1, ack: 3001 });
});

Deno.test("a lost FIN is probed, too", () => {
  const script = tail(2).closeWrite().expect("FA 3001 ack 1");
  script.until(1050).send({ seq: 1, ack: 3001 }).until(1255, "1250: FA 3001 ack 1");
  script.send({ seq: 1, ack: 3002 }).expect().until(5000);
});
