import { assertEquals } from "@std/assert";
import { established, finWait1, type Script, SYN } from "../../support/script.ts";

const SACK = { ...SYN, mss: 1000, sackOk: true };
const PLAIN = { ...SYN, mss: 1000 };

/** `count` full segments are on their way. */
function inFlight(count: number, syn = PLAIN): Script {
  const script = established({}, syn);
  script.write(1000 * count);
  assertEquals(script.drain().length, count);
  return script;
}

Deno.test("what is not acknowledged is sent again, with doubled pauses", () => {
  // The handshake took no time, so the RTO is its minimum.
  const script = established({}, PLAIN);
  script.write(500);
  script.expect("PA 1+500 ack 1").until(
    3100,
    "200: PA 1+500 ack 1",
    "600: PA 1+500 ack 1",
    "1400: PA 1+500 ack 1",
    "3000: PA 1+500 ack 1",
  ).send({ seq: 1, ack: 501 }).expect().until(10_000);
});

Deno.test("a program that does not answer for 120 s is reset, and the reader and the writer hear of it", () => {
  const script = established({}, PLAIN);
  script.write(500);
  script.expect("PA 1+500 ack 1");
  assertEquals(script.read(), "wait");
  // 200 ms doubled up to the limit of 60 s, and a RST once 120 s have passed since the first.
  const times = [200, 600, 1400, 3000, 6200, 12_600, 25_400, 51_000, 102_200];
  const copies = times.map((time) => `${time}: PA 1+500 ack 1`);
  script.until(200_000, ...copies, "162200: RA 501 ack 1");
  script.events("readable", "ended: timeout");
  assertEquals(script.read(), "reset");
});

Deno.test("the RTO follows the round-trip time, and Karn keeps repeated segments out of it", () => {
  const script = established({}, PLAIN);
  script.write(100);
  script.expect("PA 1+100 ack 1").until(150).send({ seq: 1, ack: 101 });
  // The handshake gave 0, this segment 150: SRTT 18.75, RTTVAR 37.5.
  script.write(100);
  script.expect("PA 101+100 ack 1").until(360, "350: PA 101+100 ack 1");
  script.until(500).send({ seq: 1, ack: 201 });
  // The backoff stays until a segment that was sent once is acknowledged.
  script.write(100);
  script.expect("PA 201+100 ack 1").until(899).until(901, "900: PA 201+100 ack 1");
});

Deno.test("with timestamps a repeated segment gives a measure, since it tells which copy arrived", () => {
  const script = established({}, { ...PLAIN, timestamps: [1, 0] });
  script.write(100);
  script.expect("PA 1+100 ack 1 ts 0/1").until(200, "200: PA 1+100 ack 1 ts 200/1");
  script.drops();
});

Deno.test("three duplicate ACKs are a loss: the segment goes again without waiting for the timer", () => {
  const script = inFlight(8).until(10);
  script.send({ seq: 1, ack: 1 }).send({ seq: 1, ack: 1 }).expect();
  script.send({ seq: 1, ack: 1 }).expect("A 1+1000 ack 1");
  script.send({ seq: 1, ack: 8001 }).expect().until(10_000);
});

Deno.test("without SACK a partial ACK points at the next hole", () => {
  const script = inFlight(8).until(10);
  for (let i = 0; i < 3; i++) script.send({ seq: 1, ack: 1 });
  script.expect("A 1+1000 ack 1");
  script.send({ seq: 1, ack: 3001 }).expect("A 3001+1000 ack 1");
  script.send({ seq: 1, ack: 6001 }).expect("A 6001+1000 ack 1");
  script.send({ seq: 1, ack: 8001 }).expect().until(10_000);
});

Deno.test("duplicate ACKs are not counted where the window moves or data comes along", () => {
  const script = inFlight(8).until(10);
  for (let i = 0; i < 6; i++) script.send({ seq: 1, ack: 1, window: 60_000 - i });
  script.expect();
  for (let i = 0; i < 6; i++) script.send({ seq: 1 + 10 * i, ack: 1, data: 10, window: 50_000 });
  script.expect("A 8001 ack 61");
});

Deno.test("with SACK only the holes go again", () => {
  const script = inFlight(10, SACK).until(10);
  // Lost: the first, the fourth and the fifth segment.
  script.send({ seq: 1, ack: 1, sack: [[1001, 2001]] })
    .send({ seq: 1, ack: 1, sack: [[1001, 3001]] }).expect()
    .send({ seq: 1, ack: 1, sack: [[5001, 6001], [1001, 3001]] })
    .expect("A 1+1000 ack 1", "A 3001+1000 ack 1", "A 4001+1000 ack 1")
    .send({ seq: 1, ack: 1, sack: [[5001, 10_001], [1001, 3001]] }).expect()
    .send({ seq: 1, ack: 10_001 }).expect().until(10_000);
});

Deno.test("three reports of small segments are a loss, though they are not three full segments", () => {
  const script = established({}, SACK);
  for (let i = 0; i < 5; i++) {
    script.write(100);
    script.expect(`PA ${1 + 100 * i}+100 ack 1`);
  }
  script.until(10).send({ seq: 1, ack: 1, sack: [[101, 201]] })
    .send({ seq: 1, ack: 1, sack: [[101, 301]] }).expect()
    .send({ seq: 1, ack: 1, sack: [[101, 401]] }).expect("A 1+100 ack 1")
    .send({ seq: 1, ack: 501 }).expect().until(10_000);
});

Deno.test("blocks that report the past, the future or nonsense are ignored", () => {
  const script = inFlight(4, SACK).until(10).send({ seq: 1, ack: 1001 });
  script.send({ seq: 1, ack: 1001, sack: [[1001, 2001]] }) // at the ACK
    .send({ seq: 1, ack: 1001, sack: [[2001, 9001]] }) // never sent
    .send({ seq: 1, ack: 1001, sack: [[3001, 2001]] }) // turned round
    .send({ seq: 1, ack: 1001, sack: [[3001, 3001]] })
    .expect().until(29).until(229, "30: PA 3001+1000 ack 1");
});

Deno.test("after a timeout everything goes again but what the program has reported", () => {
  const script = inFlight(4, SACK).until(10);
  script.send({ seq: 1, ack: 1, sack: [[1001, 2001]] }).expect();
  // By time after a quarter of the round trip, then by the timer.
  script.until(250, "13: A 1+1000 ack 1", "213: A 1+1000 ack 1");
  script.send({ seq: 1, ack: 2001, sack: [] }).expect("A 2001+1000 ack 1", "PA 3001+1000 ack 1");
  script.send({ seq: 1, ack: 4001 }).expect().until(10_000);
});

Deno.test("a program that takes back what it reported gets it again after the second timeout", () => {
  const script = inFlight(2, SACK).until(10).send({ seq: 1, ack: 1, sack: [[1001, 2001]] });
  script.expect().until(
    700,
    "13: A 1+1000 ack 1",
    "213: A 1+1000 ack 1",
    "613: A 1+1000 ack 1",
  );
  script.send({ seq: 1, ack: 1001 }).expect("PA 1001+1000 ack 1");
});

Deno.test("a timeout closes the congestion window to one segment, and it opens again with each ACK", () => {
  const script = inFlight(10).until(250, "200: A 1+1000 ack 1");
  script.send({ seq: 1, ack: 1001 }).expect("A 1001+1000 ack 1", "A 2001+1000 ack 1");
  script.send({ seq: 1, ack: 3001 });
  assertEquals(script.drain().length, 4);
  // A second timeout on the way closes it again (RFC 5681, section 3.1: whatever happened before).
  script.until(700, "650: A 3001+1000 ack 1");
  script.send({ seq: 1, ack: 4001 });
  assertEquals(script.drain().length, 2);
});

Deno.test("the first flight is the initial window of RFC 6928, and doubles with each round trip", () => {
  const script = established({}, { ...PLAIN, window: 60_000 });
  script.write(100_000);
  assertEquals(script.drain().length, 10);
  script.send({ seq: 1, ack: 10_001 });
  assertEquals(script.drain().length, 20);
});

Deno.test("a loss halves the congestion window of NewReno", () => {
  const script = established({ tcp: { congestion: "newreno" } }, { ...SACK, window: 60_000 });
  script.write(100_000);
  assertEquals(script.drain().length, 10);
  // Nine of ten have left the path, so four new ones may go beside the repeated one (RFC 6675, section 5).
  script.until(10).send({ seq: 1, ack: 1, sack: [[1001, 10_001]] });
  assertEquals(script.drain().map((line) => line.split("+")[0]), [
    "A 1",
    "A 10001",
    "A 11001",
    "A 12001",
    "A 13001",
  ]);
  script.send({ seq: 1, ack: 10_001 });
  assertEquals(script.drain().length, 1);
});

Deno.test("a FIN that was lost goes again", () => {
  finWait1().until(1000, "200: FA 1 ack 1", "600: FA 1 ack 1").send({ seq: 1, ack: 2 })
    .expect().until(5000);
});

Deno.test("a FIN goes again with the data before it", () => {
  const script = established();
  script.write(100);
  script.closeWrite().expect("FPA 1+100 ack 1").until(300, "200: FPA 1+100 ack 1");
  script.send({ seq: 1, ack: 101 }).expect();
  script.until(2000, "700: FA 101 ack 1", "1500: FA 101 ack 1");
  script.send({ seq: 1, ack: 102 }).until(10_000);
});

Deno.test("an RTT near zero does not make the RTO vanish", () => {
  const script = established();
  for (let i = 0; i < 50; i++) {
    script.write(10);
    script.drain();
    script.send({ seq: 1, ack: 11 + 10 * i });
  }
  script.write(10);
  script.expect("PA 501+10 ack 1").until(199).until(201, "200: PA 501+10 ack 1");
});

Deno.test("progress after a long silence brings the RTO down to 3 s, though no copy can be measured", () => {
  const script = established({}, { ...PLAIN, mss: 500, window: 1500 });
  script.write(1500);
  assertEquals(script.drain().length, 3);
  const times = [200, 600, 1400, 3000, 6200, 12_600, 25_400, 51_000];
  script.until(60_000, ...times.map((time) => `${time}: A 1+500 ack 1`));
  script.send({ seq: 1, ack: 501, window: 1500 });
  script.expect("A 501+500 ack 1", "PA 1001+500 ack 1");
  script.until(70_000, "61600: A 501+500 ack 1", "64800: A 501+500 ack 1");
});

Deno.test("after a pause the first flight is the initial window again (RFC 5681, section 4.1)", () => {
  const flight = (pauseMs: number) => {
    const script = established({}, { ...PLAIN, window: 60_000 });
    script.write(30_000);
    assertEquals(script.drain().length, 10);
    script.send({ seq: 1, ack: 10_001 });
    assertEquals(script.drain().length, 20);
    script.send({ seq: 1, ack: 30_001 }).until(pauseMs);
    script.write(50_000);
    return script.drain().length;
  };
  assertEquals([flight(100), flight(300)], [20, 10]);
});
