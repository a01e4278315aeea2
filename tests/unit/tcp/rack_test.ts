import { assertEquals } from "@std/assert";
import {
  established,
  type Script,
  type ScriptOptions,
  type Sent,
  SYN,
  synReceived,
} from "../../support/script.ts";

const SACK: Sent = { ...SYN, mss: 1000, sackOk: true };

/** A path of 100 ms: `count` segments are on their way, one each millisecond from 200 on, and one before them arrived. */
function path(count: number, options: ScriptOptions = {}): Script {
  const script = synReceived(options, SACK).until(100).send({ seq: 1, ack: 1 });
  script.events("opened").write(1000);
  script.expect("PA 1+1000 ack 1").until(200).send({ seq: 1, ack: 1001 });
  for (let i = 0; i < count; i++) {
    script.write(1000);
    script.expect(`PA ${1001 + 1000 * i}+1000 ack 1`).until(201 + i);
  }
  return script;
}

Deno.test("a segment that is late by less than a quarter of the round trip is not repeated", () => {
  const script = path(3).until(302).send({ seq: 1, ack: 1001, sack: [[2001, 3001]] });
  script.until(320).send({ seq: 1, ack: 3001 }).expect().until(330);
});

Deno.test("a segment that is later is, though nothing more is heard: the reordering timer", () => {
  // Left at 200; the other one took 101 ms, and 25 ms are given to this one.
  path(3).until(302).send({ seq: 1, ack: 1001, sack: [[2001, 3001]] })
    .until(325).until(330, "326: A 1001+1000 ack 1");
});

Deno.test("with three segments reported there is no waiting", () => {
  path(4).until(302).send({ seq: 1, ack: 1001, sack: [[2001, 3001]] }).expect()
    .send({ seq: 1, ack: 1001, sack: [[2001, 5001]] }).expect("A 1001+1000 ack 1");
});

Deno.test("a path that was seen to reorder is waited for, however much is reported", () => {
  const script = path(6).until(302).send({ seq: 1, ack: 1001, sack: [[2001, 3001]] });
  // It only came late: reordering is seen.
  script.until(310).send({ seq: 1, ack: 3001 }).expect();
  script.send({ seq: 1, ack: 3001, sack: [[4001, 7001]] }).expect().until(327)
    .until(335, "332: A 3001+1000 ack 1");
});

Deno.test("a retransmission that is lost goes again without the timer", () => {
  const script = path(6).until(306);
  script.send({ seq: 1, ack: 1001, sack: [[2001, 7001]] }).expect("A 1001+1000 ack 1");
  script.until(310).write(1000);
  script.expect("PA 7001+1000 ack 1");
  // What left 4 ms after the repetition has arrived, the repetition has not.
  script.until(410).send({ seq: 1, ack: 1001, sack: [[2001, 8001]] });
  script.expect("A 1001+1000 ack 1").until(450);
  script.until(510).send({ seq: 1, ack: 8001 }).expect().until(5000);
});

Deno.test("a D-SACK widens the reordering window by a quarter, once a round trip", () => {
  const script = path(6).until(306);
  script.send({ seq: 1, ack: 1001, sack: [[2001, 7001]] }).expect("A 1001+1000 ack 1");
  // The first copy arrives, then the second, which the program reports.
  script.until(310).send({ seq: 1, ack: 7001 }).expect();
  script.until(410).send({ seq: 1, ack: 7001, sack: [[1001, 2001]] }).expect();
  for (const seq of [7001, 8001, 9001, 10_001, 11_001]) {
    script.write(1000);
    script.expect(`PA ${seq}+1000 ack 1`);
  }
  // Two quarters of the smallest round trip of 100 ms, after the 100 ms of the latest.
  script.until(510).send({ seq: 1, ack: 7001, sack: [[8001, 12_001]] }).expect()
    .until(559).until(561, "560: A 7001+1000 ack 1");
});

Deno.test("a recovery that was none gives the window back: all of it was reported as duplicates", () => {
  const script = path(10).until(310);
  script.send({ seq: 1, ack: 1001, sack: [[2001, 11_001]] }).expect("A 1001+1000 ack 1");
  script.until(320).send({ seq: 1, ack: 11_001 }).expect();
  script.until(410).send({ seq: 1, ack: 11_001, sack: [[1001, 2001]] }).expect();
  script.write(60_000);
  // The window was 10 segments, and 7 after the loss.
  assertEquals(script.drain().length >= 10, true);
});

/** What the stack's timestamps show at `time`. */
function echo(script: Script, time: number): number {
  return (script.timestampBase + time) >>> 0;
}

Deno.test("with timestamps the echo tells that a timeout was none, and nothing more is repeated", () => {
  const script = established({}, { ...SYN, mss: 1012, timestamps: [1, 0] });
  script.write(1000);
  script.expect("PA 1+1000 ack 1 ts 0/1").until(100);
  script.send({ seq: 1, ack: 1001, timestamps: [2, 0] });
  script.write(8000);
  assertEquals(script.drain().length, 8);
  // RTO: SRTT 12.5, RTTVAR 25. The path holds everything up for half a second.
  script.until(400, "300: A 1001+1000 ack 1 ts 300/2");
  script.send({ seq: 1, ack: 3001, timestamps: [3, echo(script, 100)] }).expect();
  script.send({ seq: 1, ack: 9001, timestamps: [3, echo(script, 100)] }).expect();
  script.write(60_000);
  assertEquals(script.drain().length >= 10, true);
});

Deno.test("without an echo of the first copy a timeout stays one", () => {
  const script = established({}, { ...SYN, mss: 1012, timestamps: [1, 0] });
  script.write(4000);
  assertEquals(script.drain().length, 4);
  script.until(250, "200: A 1+1000 ack 1 ts 200/1");
  script.send({ seq: 1, ack: 1001, timestamps: [3, echo(script, 200)] });
  script.expect("A 1001+1000 ack 1 ts 250/3", "A 2001+1000 ack 1 ts 250/3");
});

Deno.test("without SACK each of the first two duplicates lets a new segment go: limited transmit (RFC 3042)", () => {
  const script = established({}, { ...SYN, mss: 1000 });
  script.write(20_000);
  assertEquals(script.drain().length, 10);
  script.until(10).send({ seq: 1, ack: 1 }).expect("A 10001+1000 ack 1");
  script.send({ seq: 1, ack: 1 }).expect("A 11001+1000 ack 1");
  script.send({ seq: 1, ack: 1 }).expect("A 1+1000 ack 1");
});

Deno.test("without SACK duplicates up to the old recovery point begin no recovery (RFC 6582)", () => {
  const script = established({}, { ...SYN, mss: 1000 });
  script.write(5000);
  assertEquals(script.drain().length, 5);
  script.until(10);
  for (let i = 0; i < 3; i++) script.send({ seq: 1, ack: 1 });
  script.expect("A 1+1000 ack 1").until(20).send({ seq: 1, ack: 5001 });
  script.write(3000);
  assertEquals(script.drain().length, 3);
  for (let i = 0; i < 5; i++) script.send({ seq: 1, ack: 5001 });
  script.expect().until(150);
});
