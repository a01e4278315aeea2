import { assert, assertEquals } from "@std/assert";
import { DEFAULT_LIMITS } from "../../../src/stack/limits.ts";
import { Reassembly } from "../../../src/stack/reassembly.ts";
import { newParsed, parseFrame } from "../../../src/stack/ingress.ts";
import { Host } from "../../support/host.ts";
import {
  cut,
  frameOf,
  HOSTS,
  icmpPacket,
  pieceOf,
  readIcmp,
  rejoin,
  udpPacket,
} from "../../support/naive_ip.ts";
import { encode } from "../../support/naive_packet.ts";
import { established, held, type Script, SYN } from "../../support/script.ts";
import { seededDice } from "../random.ts";

const dice = seededDice(4);

function give(script: Script, packet: Uint8Array): void {
  const frame = frameOf(packet);
  script.stack.handlePacket(frame, frame.length, script.now);
}

/** The flow of the script goes on in both directions as if nothing were the matter. */
function assertLives(script: Script, written: number): void {
  script.write(1000);
  script.expect(`PA ${1 + written}+1000 ack ${1 + written}`);
  script.send({ seq: 1 + written, ack: 1001 + written, data: 1000 });
  assertEquals(script.read(), 1000);
  script.expect(`A ${1001 + written} ack ${1001 + written}`);
}

Deno.test("a flood of first fragments stays within its memory, and neither flows nor whole packets suffer", () => {
  const script = established();
  const small = { reassemblies: 8, reassemblyBytes: 20_000 };
  const host = new Host({ limits: small });
  for (let id = 0; id < 1000; id++) {
    const packet = udpPacket(4, 9, new Uint8Array(3000).fill(id));
    host.send(pieceOf(packet, id, 0, 1480));
    give(script, pieceOf(packet, id, 0, 1480));
    if (id % 250 !== 0) continue;
    const request = icmpPacket(4, 8, 0, id, dice.bytes(3000));
    const answers = host.ask(...cut(request, 60_000 + id, 1480));
    assertEquals(readIcmp(rejoin(answers)).rest, id, "a packet that can be whole is");
    assertLives(script, 1000 * id / 250);
  }
  const evicted = host.stack.drops.get("limit-reassemblies")!;
  assertEquals(evicted, 1000 - 8, "the oldest give way");
  assertEquals(script.stack.drops.get("limit-reassemblies"), 1000 - DEFAULT_LIMITS.reassemblies);
  host.until(60_000);
  assertEquals(host.stack.nextTimeout(), Infinity);
});

Deno.test("what fragments cost is bounded, their overhead included", () => {
  for (const length of [8, 64, 1480]) {
    const limits = { ...DEFAULT_LIMITS, reassemblyBytes: 50_000 };
    const reassembly = new Reassembly(limits);
    const parsed = newParsed();
    let evicted = 0;
    for (let i = 0; i < 3000; i++) {
      const packet = udpPacket(6, 9, new Uint8Array(60_000));
      const frame = frameOf(pieceOf(packet, i >>> 3, length * (1 + i % 8), length * (2 + i % 8)));
      assertEquals(parseFrame(frame, frame.length, parsed), undefined);
      assertEquals(reassembly.add(frame, parsed.ip, i), 0);
      evicted += reassembly.takeEvicted();
      assert(reassembly.bytes <= limits.reassemblyBytes);
      assert(reassembly.size <= limits.reassemblies);
    }
    assertEquals(reassembly.size + evicted, 3000 / 8);
    while (reassembly.takeExpired(Infinity) !== undefined);
    assertEquals([reassembly.bytes, reassembly.size], [0, 0]);
  }
});

Deno.test("a packet in more fragments than a real path makes is dropped whole", () => {
  const host = new Host({ limits: { fragmentsPerPacket: 10 } });
  const request = icmpPacket(4, 8, 0, 1, new Uint8Array(200));
  const pieces = cut(request, 7, 16); // 13 of them
  assertEquals(host.ask(...pieces), []);
  host.drops({ "limit-fragments": 1, "fragment-of-overlap": 2 });
  assertEquals(host.ask(...cut(request, 8, 24)).length, 1, "nine are fine");
});

Deno.test("without room for reassembly fragments are dropped and the rest goes on", () => {
  const host = new Host({ limits: { reassemblies: 0 } });
  const request = icmpPacket(4, 8, 0, 1, new Uint8Array(200));
  assertEquals(host.ask(...cut(request, 7, 104)), []);
  host.drops({ "limit-reassemblies": 2 });
  assertEquals(host.ask(request).length, 1);
});

Deno.test("a SYN flood fills the requests and nothing else; flows go on, and it is over when its deadline is", () => {
  const script = established({ limits: { requests: 100 } });
  for (let port = 1; port <= 10_000; port++) script.send({ ...SYN, sourcePort: port });
  script.expect();
  assertEquals(script.stack.flowCount, 101);
  script.drops({ "limit-requests": 9900 });
  assertLives(script, 0);
  let requests = 0;
  while (script.stack.pollEvent() !== undefined) requests++;
  assertEquals(requests, 100);
  script.until(59_999);
  script.stack.handleTimeout(60_000);
  assertEquals(script.drain().length, 100, "each program hears of it");
  assertEquals(script.stack.flowCount, 1);
  assertLives(script, 1000);
});

Deno.test("half-open handshakes fill the table of flows and nothing else, and end with a RST each", () => {
  const script = established({ limits: { flows: 50 } });
  const { program: source, far: destination } = HOSTS[4];
  for (let port = 1; port <= 200; port++) {
    const tcp = { sourcePort: port, destinationPort: 443, seq: 9, ack: 0, flags: "S", window: 100 };
    give(script, encode({ ...tcp, source, destination, payload: new Uint8Array(0) }).slice(10));
    for (let event; (event = script.stack.pollEvent()) !== undefined;) {
      if (event.type === "request") script.stack.accept(event.id);
    }
  }
  assertEquals(script.stack.flowCount, 50);
  script.drops({ "limit-flows": 151 });
  const frame = new Uint8Array(2000);
  const flags = new Map<number, number>();
  for (let now = 0; now <= 64_000; now += 100) {
    script.stack.handleTimeout(now);
    while (script.stack.pollPacket(frame, now) > 0) {
      flags.set(frame[43], (flags.get(frame[43]) ?? 0) + 1);
    }
  }
  assertEquals(flags.get(0x14), 49, "RST and ACK");
  assertEquals(script.stack.flowCount, 1);
});

Deno.test("the oldest flow in TIME-WAIT gives way", () => {
  const script = held({ limits: { timeWaits: 3 } });
  const { stack } = script;
  for (let port = 1; port <= 10; port++) {
    script.renew(1000).send({ ...SYN, sourcePort: port }).events("request").accept();
    script.drain();
    script.send({ seq: 1, ack: 1, sourcePort: port }).events("opened");
    script.closeWrite().expect("FA 1 ack 1");
    script.send({ flags: "FA", seq: 1, ack: 2, sourcePort: port }).expect("A 2 ack 2");
    script.events("ended: finished");
    script.stopReading();
    script.drain();
    assertEquals(stack.flowCount, 1 + Math.min(port, 3), "the held one, and those");
  }
});

Deno.test("a flood of echoes of 64 KiB is bounded in bytes, and counted", () => {
  const host = new Host({ limits: { replyBytes: 200_000 } });
  const request = icmpPacket(6, 128, 0, 1, new Uint8Array(60_000));
  for (let id = 0; id < 10; id++) for (const piece of cut(request, id, 1400)) host.send(piece);
  host.drops({ "limit-reply-queue": 7 });
  assertEquals(host.drain().length, 3 * Math.ceil(60_008 / 1448));
  assertEquals(host.ask(request).length > 0, true, "there is room again");
});

Deno.test("floods that provoke errors leave flows alone", () => {
  const script = established({ limits: { repliesPerSecond: 10, associations: 0 } });
  for (let i = 0; i < 5000; i++) give(script, udpPacket(4, 9, Uint8Array.of(i >>> 8, i)));
  assertEquals(script.drain().length, 10);
  assertLives(script, 0);
  script.drops({ "udp-port-unreachable": 10, "limit-replies": 4990 });
});

Deno.test("forged messages about paths fill no more than their table", () => {
  const host = new Host({ limits: { pathMtus: 5 } });
  for (let i = 0; i < 100; i++) {
    const reply = icmpPacket(6, 129, 0, 7, new Uint8Array(1400));
    const quoted = reply.slice(0, 1200);
    quoted.set(HOSTS[6].far, 8);
    quoted.set(HOSTS[6].program, 24);
    quoted[39] = i;
    host.send(icmpPacket(6, 2, 0, 1280, quoted));
  }
  host.drops();
  const request = icmpPacket(6, 128, 0, 7, new Uint8Array(1400));
  assertEquals(host.ask(request).length, 1, "this host was forgotten");
});

for (const seed of [1, 2, 3]) {
  Deno.test(`fragments, ICMP and extension headers that were turned over make no exception and no growth (seed ${seed})`, () => {
    const dice = seededDice(seed);
    const limits = { reassemblies: 10, reassemblyBytes: 30_000, replies: 50, pathMtus: 5 };
    const host = new Host({ limits, mtu: 1280 });
    let answers = 0;
    for (let i = 0; i < 1500; i++) {
      const family = dice.pick([4, 6] as const);
      const echo = () =>
        icmpPacket(family, family === 4 ? 8 : 128, 0, i, dice.bytes(dice.int(1500)));
      const base = dice.pick([
        echo,
        () => udpPacket(family, 9, dice.bytes(dice.int(3000))),
        () => icmpPacket(family, dice.int(140), dice.int(8), dice.int(2000), echo()),
      ])();
      for (const piece of cut(base, dice.int(5), 8 * (1 + dice.int(200)))) {
        if (dice.int(4) === 0) continue;
        const at = dice.int(Math.min(piece.length, 60));
        if (dice.int(2) === 0) piece[at] ^= 1 << dice.int(8);
        const length = dice.int(6) === 0 ? dice.int(piece.length + 1) : piece.length;
        host.send(piece.subarray(0, length));
      }
      host.until(host.now + dice.int(3000));
      for (const packet of host.drain()) {
        answers++;
        assert(packet.length <= 1280);
      }
    }
    assert(answers > 100, `${answers} answers`);
    host.until(host.now + 61_000);
    assertEquals(host.stack.nextTimeout(), Infinity);
  });
}
