import { assertEquals, assertNotEquals } from "@std/assert";
import { decode } from "../support/naive_packet.ts";
import { established, finWait1, type Script, SYN, synReceived } from "../support/script.ts";
import { FROM_PROGRAM, Wire } from "./wire.ts";

const SACK = { ...SYN, mss: 1000, sackOk: true };
const TIMESTAMPS = { ...SYN, mss: 1000, timestamps: [1000, 0] as [number, number] };

Deno.test("RFC 7323 2.4: what a scaled window promised is taken, though rounding down has moved its end", () => {
  const script = established({}, { ...SACK, scale: 0 }).send({ seq: 1, data: 256 });
  script.expect("A 1 ack 257 win 4095");
  const end = 257 + 4095 * 256;
  script.send({ seq: 257, data: 1 }).expect("A 1 ack 258 win 4094");
  assertEquals(258 + 4094 * 256 < end, true);
  script.send({ seq: end - 1, data: 1 }).expect(`A 1 ack 258 win 4094 sack ${end - 1}-${end}`);
  script.drops().send({ seq: end, data: 1 }).drops({ "tcp-beyond-window": 1 });
});

Deno.test("RFC 7323 3.2: with timestamps agreed on every kind of segment has them, RSTs too", () => {
  const script = established({}, TIMESTAMPS).send({ seq: 1, data: 10, timestamps: [1001, 0] });
  script.expect("A 1 ack 11 ts 0/1001");
  script.write(100);
  script.expect("PA 1+100 ack 11 ts 0/1001").until(200, "200: PA 1+100 ack 11 ts 200/1001");
  script.send({ seq: 11, ack: 101, timestamps: [1002, 0] }).closeWrite();
  script.expect("FA 101 ack 11 ts 200/1002");
  script.send({ seq: 5000, data: 1, timestamps: [1002, 0] }).expect("A 102 ack 11 ts 200/1002");
  script.stack.reset(script.id);
  script.expect("RA 102 ack 11 ts 200/1002");
});

Deno.test("RFC 7323 3.2: the RST that refuses a SYN has no timestamps, as nothing was agreed on", () => {
  const wire = new Wire().send({ ...FROM_PROGRAM[4], timestamps: [7, 0] });
  const event = wire.stack.pollEvent();
  wire.stack.refuse(event?.type === "request" ? event.id : 0, "reset");
  const { flags, timestamps } = decode(wire.frames()[0]);
  assertEquals([flags, timestamps], ["RA", undefined]);
});

/** Where the stack's timestamp clock stands at a time, as the program echoes it. */
function echoOf(script: Script, time: number): number {
  return (script.timestampBase + time) >>> 0;
}

Deno.test("RFC 7323 4.1: an ACK of nothing new measures nothing, whatever its timestamps say", () => {
  const script = established({}, TIMESTAMPS).until(5000);
  for (let i = 1; i < 5; i++) {
    script.send({ seq: 1, ack: 1, timestamps: [1000 + i, echoOf(script, 0)] });
  }
  script.write(100);
  script.expect("PA 1+100 ack 1 ts 5000/1004").until(5200, "5200: PA 1+100 ack 1 ts 5200/1004");
});

Deno.test("RFC 7323 4.1: the echo tells which copy was acknowledged, and so how long it took", () => {
  // SRTT is 0 from the handshake, so one sample of R makes the RTO R / 8 + 4 * R / 4.
  for (const [copyAt, sample] of [[200, 1100], [600, 700]]) {
    const script = established({}, TIMESTAMPS);
    script.write(100);
    script.drain();
    script.until(1300, "200: PA 1+100 ack 1 ts 200/1000", "600: PA 1+100 ack 1 ts 600/1000");
    script.send({ seq: 1, ack: 101, timestamps: [1001, echoOf(script, copyAt)] });
    script.write(100);
    script.drain();
    const due = 1300 + sample / 8 + sample;
    script.until(due - 1).now = due;
    script.stack.handleTimeout(due);
    assertEquals(script.drain().length, 1, `the copy of ${copyAt} ms`);
  }
});

Deno.test("RFC 7323 5.4: timestamps tick with the milliseconds, from another start in each flow", () => {
  const startOf = (sourcePort: number, now: number) => {
    const wire = new Wire();
    wire.now = now;
    wire.send({ ...FROM_PROGRAM[4], sourcePort, timestamps: [7, 0] });
    const event = wire.stack.pollEvent();
    wire.stack.accept(event?.type === "request" ? event.id : 0);
    return decode(wire.frames()[0]).timestamps![0];
  };
  assertEquals((startOf(1, 5000) - startOf(1, 0)) >>> 0, 5000);
  assertNotEquals(startOf(1, 0), startOf(2, 0));
});

Deno.test("RFC 2018 4: SACK rides on data and on the FIN, and shrinks their payload to fit", () => {
  const script = established({}, { ...SACK, mss: 1460 }).send({ seq: 101, data: 100 });
  script.expect("A 1 ack 1 sack 101-201");
  script.write(3000);
  script.expect(
    "A 1+1424 ack 1 sack 101-201",
    "A 1425+1424 ack 1 sack 101-201",
    "PA 2849+152 ack 1 sack 101-201",
  );
  script.closeWrite().expect("FA 3001 ack 1 sack 101-201");
});

Deno.test("RFC 6675 2: an ACK that reports nothing new counts for nothing, however often it comes", () => {
  const script = established({}, SACK);
  script.write(8000);
  assertEquals(script.drain().length, 8);
  script.until(10).send({ seq: 1, ack: 1, sack: [[1001, 2001]] }).expect();
  for (let i = 0; i < 20; i++) script.send({ seq: 1, ack: 1, sack: [[1001, 2001]] });
  for (let i = 0; i < 20; i++) script.send({ seq: 1, ack: 1 });
  script.expect();
});

Deno.test("RFC 6298 5.3: an ACK of something new starts the timer anew, one of nothing new does not", () => {
  const script = established({}, { ...SYN, mss: 1000 });
  script.write(3000);
  assertEquals(script.drain().length, 3);
  script.until(150).send({ seq: 1, ack: 1001 }).until(300).send({ seq: 1, ack: 1001 });
  script.until(349).until(351, "350: A 1001+1000 ack 1");
});

Deno.test("RFC 6298 5.7: after a SYN-ACK that was repeated, data begins with an RTO of 3 s", () => {
  const script = synReceived().until(1100, "1000: SA 0 ack 1 mss 1460").send({ seq: 1, ack: 1 });
  script.write(100);
  script.expect("PA 1+100 ack 1").until(4099).until(4100, "4100: PA 1+100 ack 1");
  // A handshake that the program asked for twice has had no timeout.
  const asked = synReceived().until(500).send(SYN).expect("SA 0 ack 1 mss 1460");
  asked.until(600).send({ seq: 1, ack: 1 });
  asked.write(100);
  asked.expect("PA 1+100 ack 1").until(1600, "1600: PA 1+100 ack 1");
});

Deno.test("RFC 9293 MUST-13: a FIN that is repeated while TIME-WAIT lasts finds it, a segment after it finds nobody", () => {
  const script = finWait1().send({ flags: "FA", seq: 1, ack: 2 }).expect("A 2 ack 2");
  script.events("ended: finished").until(59_000).send({ flags: "FA", seq: 1, ack: 2 });
  script.expect("A 2 ack 2").until(119_001).send({ flags: "FA", seq: 1, ack: 2 }).expect("R 2");
});
