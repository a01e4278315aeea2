import { assertEquals } from "@std/assert";
import { closeWait, established, finWait2, type Script, SYN } from "../../support/script.ts";

const TIMESTAMPS = { ...SYN, timestamps: [1000, 0] as [number, number] };

Deno.test("timestamps are echoed from the segment that the ACK answers", () => {
  const script = established({}, TIMESTAMPS);
  script.until(5).send({ seq: 1, data: 10, timestamps: [1010, 0] }).expect("A 1 ack 11 ts 5/1010");
  // Out of order: the echo stays with the last segment in order (RFC 7323, section 4.3).
  script.send({ seq: 21, data: 10, timestamps: [1020, 0] }).expect("A 1 ack 11 ts 5/1010");
  script.send({ seq: 11, data: 10, timestamps: [1030, 0] }).expect("A 1 ack 31 ts 5/1030");
});

Deno.test("an old timestamp betrays an old duplicate (PAWS)", () => {
  const script = established({}, TIMESTAMPS).send({ seq: 1, data: 10, timestamps: [1010, 0] });
  script.expect("A 1 ack 11 ts 0/1010");
  script.send({ seq: 11, data: 10, timestamps: [1009, 0] }).expect("A 1 ack 11 ts 0/1010")
    .drops({ "tcp-timestamp-old": 1 });
  assertEquals(script.readAll(), [10, "wait"]);
});

Deno.test("PAWS does not hold up a RST", () => {
  established({}, TIMESTAMPS).send({ flags: "R", seq: 1, timestamps: [1, 0] }).events(
    "ended: reset",
  );
  established({}, TIMESTAMPS).send({ flags: "R", seq: 1 }).events("ended: reset");
});

Deno.test("a segment without the timestamps that were agreed on is dropped (RFC 7323, section 3.2)", () => {
  established({}, TIMESTAMPS).send({ seq: 1, data: 10 }).expect()
    .drops({ "tcp-timestamp-missing": 1 });
});

Deno.test("after 24 days of silence any timestamp is good, and is the new one", () => {
  const script = established({}, TIMESTAMPS);
  const days = 25 * 86_400_000;
  script.until(days).send({ seq: 1, data: 10, timestamps: [900, 0] });
  script.expect(`A 1 ack 11 ts ${days}/900`);
  script.send({ seq: 11, data: 10, timestamps: [899, 0] }).expect(`A 1 ack 11 ts ${days}/900`)
    .drops({ "tcp-timestamp-old": 1 });
});

Deno.test("the program's timestamps pass through zero in mid-transfer", () => {
  const script = established({}, { ...SYN, timestamps: [0xfffffffe, 0] });
  let seq = 1;
  for (const value of [0xffffffff, 0, 1, 2]) {
    script.send({ seq, data: 10, timestamps: [value, 0] });
    script.expect(`A 1 ack ${seq += 10} ts 0/${value}`);
  }
  script.send({ seq, data: 10, timestamps: [0xffffffff, 0] }).drops({ "tcp-timestamp-old": 1 });
});

Deno.test("the program's numbers pass through zero in mid-transfer", () => {
  const script = established({ iss: 0xffffff00 }, { ...SYN, sackOk: true });
  script.send({ seq: 1, data: 200 }).expect("A 1 ack 201");
  script.send({ seq: 301, data: 100 }).expect("A 1 ack 201 sack 301-401");
  script.send({ seq: 251, data: 50 }).expect("A 1 ack 201 sack 251-401");
  script.send({ flags: "FA", seq: 201, data: 200 }).expect("A 1 ack 402");
  assertEquals(script.readAll(), [400, "end"]);
});

/** A clock at which the stack's own initial number lies just below zero: 4 microseconds tick, 2^32 of them are 17179869.184 ms. */
function nearWrap(before: number): Script {
  const script = established();
  const frame = new Uint8Array(70_000);
  script.write(1);
  script.stack.pollPacket(frame, script.now);
  const iss = new DataView(frame.buffer).getUint32(10 + 20 + 4) - 1;
  return established({ startAt: (2 ** 32 - iss - before) / 250 }, {
    ...SYN,
    mss: 1000,
    sackOk: true,
  });
}

Deno.test("our own numbers pass through zero in mid-transfer, with holes and a FIN", () => {
  const script = nearWrap(2500);
  script.write(6000);
  assertEquals(script.drain().length, 6);
  script.until(script.now + 10);
  script.send({ seq: 1, ack: 1, sack: [[1001, 2001]] })
    .send({ seq: 1, ack: 1, sack: [[3001, 4001], [1001, 2001]] })
    .send({ seq: 1, ack: 1, sack: [[3001, 6001], [1001, 2001]] })
    .expect("A 1+1000 ack 1", "A 2001+1000 ack 1")
    .send({ seq: 1, ack: 6001 }).closeWrite().expect("FA 6001 ack 1");
  script.send({ seq: 1, ack: 6002 }).expect();
});

Deno.test("a timeout across zero repeats everything", () => {
  const script = nearWrap(1500);
  const start = script.now;
  script.write(3000);
  assertEquals(script.drain().length, 3);
  const [probed, repeated] = [start + 20, start + 220].map(Math.round);
  script.until(start + 250, `${probed}: PA 2001+1000 ack 1`, `${repeated}: A 1+1000 ack 1`);
  script.send({ seq: 1, ack: 1001 }).expect("A 1001+1000 ack 1", "PA 2001+1000 ack 1");
});

Deno.test("our own timestamps pass through zero in mid-transfer", () => {
  const script = established({ startAt: 2 ** 32 - 10 }, TIMESTAMPS);
  script.write(100);
  script.drain();
  script.until(2 ** 32 + 40).send({ seq: 1, ack: 101, timestamps: [1001, 5] });
  script.write(100);
  assertEquals(script.drain().length, 1);
});

Deno.test("no state takes a segment amiss: every state, every flag, in and out of the window", () => {
  const states = { established, closeWait, finWait2 };
  for (const [name, make] of Object.entries(states)) {
    for (const flags of ["A", "FA", "SA", "S", "RA", "R", "F", "", "FSRPA"]) {
      for (const seq of [0, 1, 2, 100, 65_535, 65_536, 70_000]) {
        for (const data of [0, 1, 100]) {
          for (const ack of [0, 1, 2, 3]) {
            const script = make().send({ flags, seq, data, ack });
            const count = script.drain().length;
            assertEquals(
              count <= 1,
              true,
              `${name} ${flags} ${seq} ${data} ${ack}: ${count} answers`,
            );
          }
        }
      }
    }
  }
});

Deno.test("a SACK block whose edges lie half the number space away is no report", () => {
  const script = established({}, { ...SYN, mss: 1000, sackOk: true });
  script.write(2000);
  script.expect("A 1+1000 ack 1", "PA 1001+1000 ack 1");
  // Ahead of SND.UNA by less than 2^31, and to below it: each edge passes every comparison.
  script.send({ seq: 1, ack: 1, sack: [[2 ** 31 - 1447, 2 ** 32 - 1547]] }).expect();
  // Nothing counts as there: the tail is probed, and the timeout repeats all of it.
  script.until(250, "20: PA 1001+1000 ack 1", "220: A 1+1000 ack 1");
  script.send({ seq: 1, ack: 1001 }).expect("PA 1001+1000 ack 1");
});
