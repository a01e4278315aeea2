import { assertEquals } from "@std/assert";
import { Deadlines } from "../../../src/stack/deadlines.ts";
import { type FlowEntry, FlowTable } from "../../../src/stack/flow_table.ts";
import { Queue } from "../../../src/stack/queue.ts";
import { DEFAULT_LIMITS } from "../../../src/stack/limits.ts";
import { PathMtus } from "../../../src/stack/path_mtu.ts";
import { Identification } from "../../../src/stack/identification.ts";
import { Replies } from "../../../src/stack/replies.ts";
import { TokenBucket } from "../../../src/stack/token_bucket.ts";
import { newIpPacket } from "../../../src/wire/ip.ts";
import { seededDice } from "../random.ts";

function entry(fields: Partial<FlowEntry>): FlowEntry {
  return { scheduledAt: Infinity, next: undefined, ...fields } as FlowEntry;
}

for (const seed of [1, 2, 3, 4]) {
  Deno.test(`deadlines come in their order, however they were moved (seed ${seed})`, () => {
    const dice = seededDice(seed);
    const deadlines = new Deadlines<FlowEntry>();
    const wanted = new Map<FlowEntry, number>();
    const entries = Array.from({ length: 50 }, (_, id) => entry({ id }));
    let now = 0;
    for (let step = 0; step < 3000; step++) {
      if (dice.int(3) < 2) {
        const one = dice.pick(entries);
        const deadline = now + dice.int(100);
        wanted.set(one, Math.min(wanted.get(one) ?? Infinity, deadline));
        deadlines.schedule(one, deadline);
      } else {
        now += dice.int(30);
        const taken = new Set<FlowEntry>();
        for (let one; (one = deadlines.take(now)) !== undefined;) {
          assertEquals(taken.has(one), false, "an entry comes once");
          taken.add(one);
        }
        for (const [one, deadline] of wanted) {
          assertEquals(taken.has(one), deadline <= now);
          if (deadline <= now) wanted.delete(one);
        }
      }
      const earliest = Math.min(...wanted.values());
      assertEquals(deadlines.next() <= earliest, true, "never too late");
    }
  });
}

Deno.test("a deadline that moves back costs nothing, and the entry comes at the first one", () => {
  const deadlines = new Deadlines<FlowEntry>();
  const one = entry({});
  deadlines.schedule(one, 10);
  for (let at = 11; at < 100; at++) deadlines.schedule(one, at);
  assertEquals(deadlines.take(10), one);
  assertEquals([deadlines.take(1000), deadlines.next()], [undefined, Infinity]);
});

Deno.test("a deadline of never is not kept", () => {
  const deadlines = new Deadlines<FlowEntry>();
  deadlines.schedule(entry({}), Infinity);
  assertEquals(deadlines.next(), Infinity);
});

/** A packet's addresses and what the table needs to know of them. */
function addressed(source: Uint8Array, destination: Uint8Array) {
  const bytes = Uint8Array.of(...source, ...destination);
  const ip = newIpPacket();
  ip.version = source.length === 4 ? 4 : 6;
  ip.addressLength = source.length;
  ip.sourceAt = 0;
  ip.destinationAt = source.length;
  return { bytes, ip };
}

for (const seed of [1, 2]) {
  Deno.test(`the flow table is a map by the whole 5-tuple (seed ${seed})`, () => {
    const dice = seededDice(seed);
    const table = new FlowTable<FlowEntry>(dice.int(2 ** 32));
    const twin = new Map<string, FlowEntry>();
    for (let step = 0; step < 6000; step++) {
      const length = dice.pick([4, 16]);
      // Few addresses and ports, so that tuples differ in one place only.
      const source = new Uint8Array(length).fill(dice.int(3));
      const destination = new Uint8Array(length).fill(dice.int(3));
      const [sourcePort, destinationPort] = [dice.int(12), dice.int(12)];
      const { bytes, ip } = addressed(source, destination);
      const hash = table.hash(bytes, ip, sourcePort, destinationPort);
      const key = `${source} ${destination} ${sourcePort} ${destinationPort}`;
      const found = table.find(hash, bytes, ip, sourcePort, destinationPort);
      assertEquals(found, twin.get(key));
      if (found === undefined) {
        const version = ip.version;
        const one = entry({ hash, version, source, destination, sourcePort, destinationPort });
        table.add(one);
        twin.set(key, one);
      } else if (dice.int(3) === 0) {
        table.remove(found);
        table.remove(found); // a second time does nothing
        twin.delete(key);
      }
      assertEquals(table.size, twin.size);
    }
  });
}

Deno.test("a queue is first in, first out, through every compaction", () => {
  const dice = seededDice(9);
  const queue = new Queue<number>();
  let [pushed, taken] = [0, 0];
  for (let step = 0; step < 30_000; step++) {
    if (dice.int(100) < (step < 15_000 ? 70 : 30)) queue.push(pushed++);
    else {
      const item = queue.shift();
      assertEquals(item, taken < pushed ? taken : undefined);
      if (item !== undefined) taken++;
    }
    assertEquals(queue.length, pushed - taken);
  }
});

Deno.test("answers have a rate, which is saved up for a second at most", () => {
  const bucket = new TokenBucket(100);
  const allowed = (now: number) => {
    let count = 0;
    while (bucket.take(now)) count++;
    return count;
  };
  assertEquals(allowed(0), 100);
  assertEquals(allowed(0), 0);
  assertEquals(allowed(500), 50);
  assertEquals(allowed(100_000), 100);
});

Deno.test("answers wait in order, up to the capacity in number and in bytes", () => {
  const identification = new Identification(new Uint8Array(16));
  const packet = (length: number) => new Uint8Array(length).fill(0x60, 0, 1);
  const take = (limits: object, lengths: number[]) => {
    const replies = new Replies(
      { ...DEFAULT_LIMITS, ...limits },
      1500,
      new PathMtus(1),
      identification,
    );
    const taken = lengths.map((length) => replies.push(packet(length)));
    const frame = new Uint8Array(2000);
    const left = lengths.map(() => replies.poll(frame, 0));
    assertEquals(replies.push(packet(lengths[0])), true, "room again");
    return [taken, left];
  };
  assertEquals(take({ replies: 2 }, [41, 42, 43]), [[true, true, false], [51, 52, 0]]);
  assertEquals(take({ replyBytes: 100 }, [41, 60, 59, 1]), [[true, false, true, false], [
    51,
    69,
    0,
    0,
  ]]);
});
