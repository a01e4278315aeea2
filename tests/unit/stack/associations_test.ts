import { assertEquals, assertThrows } from "@std/assert";
import { Stack } from "../../../src/stack/stack.ts";
import { datagramFrame } from "../../support/naive_udp.ts";
import { cut, frameOf, HOSTS, icmpPacket, ipPacket, join, u16 } from "../../support/naive_ip.ts";
import { opened, payload, UdpScript } from "../../support/udp_script.ts";

const MINUTE = 60_000;

Deno.test("the first datagram is a request with its 5-tuple, and waits for the answer with those behind it", () => {
  for (const family of [4, 6] as const) {
    const script = new UdpScript();
    script.send(1, 10, { family }).send(2, 0, { family }).send(3, 30, { family });
    const [source, destination] = HOSTS[family].texts;
    assertEquals(script.stack.pollEvent(), {
      type: "request",
      protocol: "udp",
      id: 1,
      source: { hostname: source, port: 12_345 },
      destination: { hostname: destination, port: 443 },
    });
    script.id = 1;
    script.events().accept().reads("1x10", "nothing", "3x30", "none");
    script.send(4, 40, { family }).events("readable").reads("4x40", "none").drops();
  }
});

Deno.test("an association is one port here, one port there, and both hosts", () => {
  const script = opened().send(1, 10, { port: 444 }).events("request");
  script.send(1, 10, { sourcePort: 12_346 }).events("request");
  script.send(1, 10, { family: 6 }).events("request");
  assertEquals(script.stack.associations.size, 4);
  assertEquals(script.stack.flowCount, 0);
});

Deno.test("ids are counted together with those of TCP", () => {
  const script = opened();
  const { program: source, far: destination } = HOSTS[4];
  const syn = join(u16(9), u16(80), new Uint8Array(8), [0x50, 2, 255, 255, 0, 0, 0, 0]);
  const sum = [...source, ...destination, 0, 6, 0, 20, ...syn].reduce(
    (sum, byte, i) => sum + (i % 2 === 0 ? byte * 256 : byte),
    0,
  );
  syn.set(u16(~((sum & 0xffff) + (sum >>> 16))), 16);
  script.give(frameOf(ipPacket({ source, destination, protocol: 6, payload: syn })));
  script.events("request");
  assertEquals(script.id, 2);
});

Deno.test("readable is told once until somebody has read", () => {
  const script = opened().send(2, 1).send(3, 1).events("readable");
  script.send(4, 1).events().reads("2x1", "3x1", "4x1", "none").send(5, 1).events("readable");
});

Deno.test("a listener gets what waits at once, and every further datagram in its turn", () => {
  const script = new UdpScript().send(1, 1).send(2, 2).events("request").accept();
  const seen: number[] = [];
  script.stack.associations.listen(script.id, (data) => seen.push(data.length));
  assertEquals(seen, [1, 2]);
  script.send(3, 3);
  assertEquals(seen, [1, 2, 3]);
  script.events().reads("none");
});

for (const family of [4, 6] as const) {
  const [program, far] = HOSTS[family].texts;
  Deno.test(`an answer goes back to where the datagram came from, over ${program} and ${far}`, () => {
    const script = new UdpScript().send(1, 10, { family }).events("request").accept();
    script.answer(9, 0).answer(8, 1).answer(7, 1472 - (family === 6 ? 20 : 0));
    script.expect("nothing", "8x1", `7x${family === 6 ? 1452 : 1472}`).drops();
  });

  Deno.test(`the longest datagram goes both ways in pieces, over IPv${family}`, () => {
    const longest = family === 4 ? 65_507 : 65_527;
    const frame = datagramFrame({ family, data: payload(3, longest) });
    const script = new UdpScript();
    for (const piece of cut(frame.subarray(10), 7, 1400)) script.give(frameOf(piece));
    script.events("request").accept().reads(`3x${longest}`, "none").answer(4, longest);
    script.expect(`4x${longest} in ${Math.ceil((longest + 8) / (family === 4 ? 1480 : 1448))}`);
    script.answer(4, longest + 1).expect().drops({ "udp-too-long": 1 });
  });
}

Deno.test("RFC 768: over IPv4 a datagram without a checksum is taken, and a computed zero is sent as 0xffff", () => {
  const script = new UdpScript().send(1, 10, { checksum: 0 }).events("request").accept();
  script.drops().reads("1x10", "none");
  // Some value of the first two bytes makes the sum zero; the naive reader takes no packet without a checksum.
  for (let word = 0; word < 0x10000; word += 1) {
    script.stack.associations.send(script.id, Uint8Array.of(word >>> 8, word));
  }
  assertEquals(script.drain().length, 0x10000);
});

Deno.test("RFC 8200, section 8.1: over IPv6 it is dropped", () => {
  const script = new UdpScript().send(1, 10, { family: 6, checksum: 0 }).events();
  script.drops({ "udp-no-checksum": 1 });
});

Deno.test("RFC 4787, REQ-5: an association lives for five minutes behind the program's last datagram", () => {
  const script = opened().until(5 * MINUTE - 1).events().until(5 * MINUTE).events("ended: idle");
  script.expect().reads("end");
  assertEquals([script.stack.associations.size, script.stack.nextTimeout()], [0, Infinity]);
});

Deno.test("RFC 4787, REQ-6: the program's datagrams prolong it, and those of the far side do not", () => {
  const script = opened().until(4 * MINUTE).send(2, 1).events("readable");
  for (let minute = 5; minute < 9; minute++) script.until(minute * MINUTE).answer(3, 1);
  script.until(9 * MINUTE - 1).events().until(9 * MINUTE).events("ended: idle");
});

Deno.test("RFC 4787, REQ-5: nobody can have it shorter than two minutes", () => {
  const make = (associationIdleMs: number) =>
    new Stack({
      mtu: 1500,
      offload: false,
      secret: new Uint8Array(16),
      limits: { associationIdleMs },
    });
  make(2 * MINUTE);
  assertThrows(() => make(2 * MINUTE - 1), RangeError, '"119999" ms');
});

Deno.test("behind an answer from port 53 it is over after 17 s, and a further question counts anew", () => {
  const script = new UdpScript().send(1, 10, { port: 53 }).events("request").accept();
  script.until(1000).answer(2, 20).until(16_999).events();
  script.send(3, 10, { port: 53 }).events().until(60_000).events();
  script.answer(4, 20).until(60_001).events("ended: idle");
  const asked = new UdpScript().send(1, 10, { port: 53 }).events("request").accept();
  asked.until(5 * MINUTE - 1).events().until(5 * MINUTE).events("ended: idle");
});

Deno.test("RFC 4787, REQ-12: no ICMP error ends an association", () => {
  const script = opened().answer(2, 20).expect("2x20");
  const answered = datagramFrame({ data: payload(2, 20) }).subarray(10);
  // As if the program's host said that nobody listens there: the packet of ours that it gives back.
  answered.set([...HOSTS[4].far, ...HOSTS[4].program], 12);
  for (const code of [0, 1, 3, 13]) {
    script.give(frameOf(icmpPacket(4, 3, code, 0, answered.slice(0, 48))));
  }
  script.events().answer(3, 30).expect("3x30").drops({ "icmp-error-ignored": 4 });
});

for (
  const [refusal, v4, v6] of [
    ["reset", "icmp 3 3", "icmp 1 4"],
    ["port-unreachable", "icmp 3 3", "icmp 1 4"],
    ["host-unreachable", "icmp 3 1", "icmp 1 3"],
    ["network-unreachable", "icmp 3 0", "icmp 1 0"],
    ["prohibited", "icmp 3 13", "icmp 1 1"],
  ] as const
) {
  Deno.test(`a request refused as ${refusal} is answered by ICMP, and the next datagram asks again`, () => {
    for (const [family, expected] of [[4, v4], [6, v6]] as const) {
      const script = new UdpScript().send(1, 10, { family }).send(2, 10, { family });
      script.events("request").end(refusal).expect(expected).events("ended: finished");
      script.end(refusal).expect().send(3, 10, { family }).events("request");
    }
  });
}

Deno.test("the refusal quotes the first datagram, also where it was one of many in a packet", () => {
  const script = new UdpScript().send(1, 4000, { segmentSize: 1000 }).events("request");
  const packets: Uint8Array[] = [];
  script.stack.associations.end(script.id, "port-unreachable");
  const frame = new Uint8Array(70_000);
  for (let length; (length = script.stack.pollPacket(frame, 0)) > 0;) {
    packets.push(frame.slice(10, length));
  }
  const [{ length }] = packets;
  assertEquals([packets.length, length], [1, 576]);
  const sent = datagramFrame({ data: payload(1, 4000), segmentSize: 1000 }).subarray(10);
  assertEquals(packets[0].subarray(28 + 12, 28 + 24), sent.subarray(12, 24), "addresses and ports");
});

Deno.test("an open association ends in silence, or with an ICMP error", () => {
  opened().end().expect().events("ended: finished").reads("end");
  opened().end("port-unreachable").expect("icmp 3 3").events("ended: finished");
  const script = opened().end().events("ended: finished");
  script.answer(1, 1).expect().drops({ "udp-without-association": 1 });
});

Deno.test("what was sent before the end still leaves", () => {
  opened().answer(2, 20).end().expect("2x20");
});

Deno.test("a request that nobody answers is host unreachable after a minute", () => {
  const script = new UdpScript().send(1, 10).events("request").until(MINUTE - 1).expect();
  script.until(MINUTE).expect("icmp 3 1").events("ended: finished");
  assertEquals(script.stack.associations.accept(script.id), false);
});

Deno.test("when the table is full, the association that was silent longest gives way", () => {
  const script = new UdpScript({ limits: { associations: 3 } });
  const ids = [1, 2, 3].map((sourcePort) => {
    script.send(1, 1, { sourcePort }).events("request").accept();
    return script.id;
  });
  script.send(1, 1, { sourcePort: 1 }).events().answer(1, 1, ids[1]).expect("1x1");
  script.send(1, 1, { sourcePort: 4 });
  script.events("ended: displaced", "request").drops({ "limit-associations": 1 });
  assertEquals(ids.map((id) => script.stack.associations.read(id) === "end"), [false, false, true]);
});

Deno.test("a flood of ports fills the table and nothing else", () => {
  const script = new UdpScript({ limits: { associations: 50 } });
  for (let i = 0; i < 5000; i++) {
    script.now = i;
    script.send(1, 1, { sourcePort: 1 + i }).drain();
    while (script.stack.pollEvent() !== undefined);
  }
  assertEquals(script.stack.associations.size, 50);
  script.until(10 * MINUTE).drops({ "limit-associations": 4950 });
  assertEquals([script.stack.associations.size, script.stack.nextTimeout()], [0, Infinity]);
});

Deno.test("what waits is bounded in number and in bytes: the oldest gives way and is counted", () => {
  const limits = { waitingDatagrams: 3, waitingBytes: 3000 };
  const script = new UdpScript({ limits }).send(1, 1).send(2, 1).send(3, 1).send(4, 1);
  script.events("request").accept().reads("2x1", "3x1", "4x1", "none");
  script.send(5, 1400).send(6, 1400).send(7, 1400).reads("6x1400", "7x1400", "none");
  script.drops({ "limit-waiting-datagrams": 2 });
});

Deno.test("what waits in all associations together is bounded: the oldest of all gives way, whose ever it is", () => {
  const script = new UdpScript({ limits: { allWaitingBytes: 3 * (1000 + 128) } });
  script.send(1, 1000, { sourcePort: 1 }).events("request").accept();
  const first = script.id;
  script.send(2, 1000, { sourcePort: 1 }).send(3, 1000, { sourcePort: 2 }).events("request");
  script.accept().drops();
  script.send(4, 1000, { sourcePort: 2 }).drops({ "limit-waiting-datagrams": 1 });
  script.reads("3x1000", "4x1000", "none");
  script.id = first;
  script.reads("2x1000", "none");
  // Empty ones count, too; what was read or has ended counts no more.
  for (let i = 0; i < 26; i++) script.send(1, 0, { sourcePort: 3 });
  script.drops({ "limit-waiting-datagrams": 1 }).send(1, 0, { sourcePort: 3 });
  script.drops({ "limit-waiting-datagrams": 2 }).events("request").end().events("ended: finished");
  for (let i = 0; i < 3; i++) script.send(5 + i, 1000, { sourcePort: 4 });
  script.events("request").accept().reads("5x1000", "6x1000", "7x1000", "none");
  script.drops({ "limit-waiting-datagrams": 2 });
});

Deno.test("a flood of ports to a proxy that does not answer holds a bounded number of bytes", () => {
  const limits = { associations: 2000, allWaitingBytes: 1 << 20 };
  const script = new UdpScript({ limits });
  for (let i = 0; i < 4000; i++) {
    script.send(1, 1400, { sourcePort: 1 + i });
    while (script.stack.pollEvent() !== undefined);
  }
  const kept = Math.floor((1 << 20) / (1400 + 128));
  const lost = script.stack.drops.get("limit-waiting-datagrams")!;
  assertEquals(lost, 4000 - kept);
  script.until(MINUTE);
  assertEquals(script.stack.associations.size, 0);
});

Deno.test("what waits for the device is bounded in bytes: the oldest gives way and is counted", () => {
  const script = opened({ limits: { inboundDatagramBytes: 3000 } });
  script.answer(1, 1000).answer(2, 1000).answer(3, 1000).answer(4, 500);
  script.expect("2x1000", "3x1000", "4x500").drops({ "limit-inbound-datagrams": 1 });
  script.end();
  const ended = [];
  for (let event; (event = script.stack.pollEvent()) !== undefined;) ended.push(event);
  assertEquals(ended, [{
    type: "association-ended",
    id: 1,
    reason: "finished",
    outboundBytes: 10,
    inboundBytes: 3500,
    dropped: 1,
  }]);
});

Deno.test("multicast and broadcast are dropped by reason, and nobody is told", () => {
  const script = new UdpScript();
  const { program: source } = HOSTS[4];
  const noise: [Uint8Array, number][] = [
    [Uint8Array.of(239, 255, 255, 250), 1900], // SSDP
    [Uint8Array.of(224, 0, 0, 251), 5353], // mDNS
    [Uint8Array.of(255, 255, 255, 255), 67], // DHCP
  ];
  for (const [destination, port] of noise) {
    const udp = join(u16(5353), u16(port), u16(12), [0, 0], [1, 2, 3, 4]);
    script.give(frameOf(ipPacket({ source, destination, protocol: 17, payload: udp })));
  }
  script.events().expect().drops({ "ip-multicast": 2, "ip-broadcast": 1 });
});
