import { assertEquals } from "@std/assert";
import { MAX_FLIGHT_RECORDS } from "../../../src/tcp/constants.ts";
import { Flight } from "../../../src/tcp/flight.ts";
import { seqAdd, seqDiff } from "../../../src/wire/seq.ts";
import { type Dice, seededDice } from "../random.ts";

/** What the naive twin knows of each number. */
interface Byte {
  sentAt: number;
  isReported: boolean;
  isLost: boolean;
  isRepeated: boolean;
}

/** A flight and its twin: a map with an entry for each number. */
class Pair {
  readonly flight = new Flight();
  readonly twin = new Map<number, Byte>();
  readonly base: number;
  una = 0;
  nxt = 0;
  now = 0;
  /** Numbers that `flight` has told of, with the time that they left. */
  readonly told = new Map<number, number>();
  #from = 0;

  constructor(base: number) {
    this.base = base;
    this.flight.restart(base);
  }

  /** The listener for deliveries between `from` and wherever. */
  listener(from: number) {
    this.told.clear();
    this.#from = from;
    return {
      delivered: (end: number, sentAt: number, wasRepeated: boolean) => {
        const stop = seqDiff(end, this.base);
        const byte = this.twin.get(stop - 1)!;
        assertEquals([byte.sentAt, byte.isRepeated], [sentAt, wasRepeated]);
        for (let n = Math.max(this.#from, this.una); n < stop; n++) {
          if (!this.twin.get(n)!.isReported) this.told.set(n, this.twin.get(n)!.sentAt);
        }
        this.#from = stop;
      },
    };
  }

  bytes(from: number, to: number): Byte[] {
    return Array.from({ length: to - from }, (_, i) => this.twin.get(from + i)!);
  }

  check(): void {
    const all = [...this.twin.values()];
    assertEquals(this.flight.lostBytes, all.filter((byte) => byte.isLost).length, "lost");
    assertEquals(this.flight.reportedBytes, all.filter((byte) => byte.isReported).length);
    assertEquals(this.flight.isReneged, this.twin.get(this.una)?.isReported ?? false);
    if (this.flight.lostBytes === 0) return;
    let from = this.una;
    while (!this.twin.get(from)!.isLost) from++;
    assertEquals(seqDiff(this.flight.lostFrom(), this.base), from);
    let end = from;
    while (this.twin.get(end)?.isLost) end++;
    assertEquals(seqDiff(this.flight.lostEnd(), this.base), end);
  }
}

function step(pair: Pair, dice: Dice): void {
  const { flight, twin, base } = pair;
  const at = (n: number) => seqAdd(base, n);
  const from = pair.una + dice.int(Math.max(pair.nxt - pair.una, 1));
  const to = from + 1 + dice.int(Math.max(pair.nxt - from - 1, 1));
  const kind = dice.int(10);
  pair.now += dice.int(3);
  if (kind < 4 || pair.una === pair.nxt || to > pair.nxt) {
    const end = pair.nxt + 1 + dice.int(40);
    for (let n = pair.nxt; n < end; n++) {
      twin.set(n, { sentAt: pair.now, isReported: false, isLost: false, isRepeated: false });
    }
    pair.nxt = end;
    flight.send(at(end), pair.now);
  } else if (kind === 4) {
    const fresh = pair.bytes(pair.una, to).filter((byte) => !byte.isReported).length;
    flight.acknowledge(at(to), pair.listener(pair.una));
    assertEquals(pair.told.size, fresh);
    for (let n = pair.una; n < to; n++) twin.delete(n);
    pair.una = to;
  } else if (kind < 7) {
    const news = pair.bytes(from, to).filter((byte) => !byte.isReported).length;
    assertEquals(flight.report(at(from), at(to), pair.listener(from)), news);
    assertEquals(pair.told.size, news);
    for (const byte of pair.bytes(from, to)) {
      if (!byte.isReported) Object.assign(byte, { isReported: true, isLost: false });
    }
  } else if (kind === 7) {
    flight.lose(at(from), at(to));
    for (const byte of pair.bytes(from, to)) byte.isLost ||= !byte.isReported;
  } else if (kind === 8 && flight.lostBytes > 0) {
    const first = seqDiff(flight.lostFrom(), base);
    const stop = first + 1 + dice.int(seqDiff(flight.lostEnd(), base) - first);
    flight.repeat(at(first), at(stop), pair.now);
    for (const byte of pair.bytes(first, stop)) {
      Object.assign(byte, { isLost: false, isRepeated: true, sentAt: pair.now });
    }
  } else if (dice.int(5) === 0) {
    flight.forgive();
    for (const byte of twin.values()) byte.isLost = false;
  }
}

for (const seed of [1, 2, 3, 4, 5, 6]) {
  Deno.test(`a flight is a map with an entry for each number (seed ${seed})`, () => {
    const dice = seededDice(seed);
    // Half of the runs pass through zero.
    const pair = new Pair(seed % 2 === 0 ? 0xfffffe00 : 1_000_000);
    for (let i = 0; i < 3000; i++) {
      step(pair, dice);
      pair.check();
    }
    pair.flight.restart(5);
    assertEquals([pair.flight.length, pair.flight.lostBytes, pair.flight.reportedBytes], [0, 0, 0]);
  });
}

const SILENT = { delivered() {} };

/** Ten segments of ten numbers, one each millisecond. */
function ten(): Flight {
  const flight = new Flight();
  flight.restart(0);
  for (let i = 1; i <= 10; i++) flight.send(10 * i, i);
  return flight;
}

Deno.test("what left before something that arrived is lost once its time is over, and waits until then", () => {
  const flight = ten();
  flight.report(50, 60, SILENT);
  // Segment 6 left at 6; at 12 the slack of 9 is over for those that left at 3 and before.
  assertEquals(flight.loseBefore(6, 60, 9, 12), 5);
  assertEquals([flight.lostFrom(), flight.lostEnd(), flight.lostBytes], [0, 30, 30]);
  assertEquals(flight.loseBefore(6, 60, 9, 14), -1);
  assertEquals([flight.lostFrom(), flight.lostEnd(), flight.lostBytes], [0, 50, 50]);
});

Deno.test("a repetition that is older than what arrived is lost again", () => {
  const flight = ten();
  flight.lose(0, 10);
  flight.repeat(0, 10, 20);
  flight.send(110, 21);
  assertEquals(flight.loseBefore(10, 100, 5, 30), -1);
  flight.report(100, 110, SILENT);
  assertEquals(flight.lostBytes, 80);
  flight.loseBefore(21, 110, 5, 30);
  assertEquals(flight.lostBytes, 100);
});

Deno.test("of two that left at the same time the one with the lower number left first", () => {
  const flight = new Flight();
  flight.restart(0);
  for (let i = 1; i <= 3; i++) flight.send(10 * i, 7);
  assertEquals([flight.loseBefore(7, 20, 0, 7), flight.lostBytes], [-1, 10]);
});

Deno.test("the first loss is the first record, or a segment of it", () => {
  const flight = ten();
  flight.loseFirst(15);
  assertEquals(flight.lostBytes, 10);
  const whole = new Flight();
  whole.restart(0);
  whole.send(60_000, 1);
  whole.loseFirst(1448);
  assertEquals([whole.lostBytes, whole.lostEnd(), whole.length], [1448, 1448, 2]);
});

Deno.test("reports are forgotten where the program may have thrown away what it had", () => {
  const flight = ten();
  flight.report(20, 40, SILENT);
  assertEquals(flight.length, 9);
  flight.forgetReports();
  flight.lose(0, 100);
  assertEquals([flight.reportedBytes, flight.lostBytes], [0, 100]);
});

Deno.test("the records are bounded: a peer that reports single bytes is not believed for ever", () => {
  const flight = new Flight();
  flight.restart(0);
  flight.send(1_000_000, 1);
  let news = 0;
  for (let n = 1; n < 40_000; n += 2) news += flight.report(n, n + 1, SILENT);
  assertEquals(flight.length <= MAX_FLIGHT_RECORDS + 1, true, `${flight.length}`);
  assertEquals(news, flight.reportedBytes);
  flight.acknowledge(1_000_000, SILENT);
  assertEquals([flight.length, flight.reportedBytes], [0, 0]);
});
