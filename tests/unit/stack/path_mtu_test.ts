import { assert, assertEquals } from "@std/assert";
import { fitToPath, nextPlateau, PathMtus } from "../../../src/stack/path_mtu.ts";
import type { FlowEntry } from "../../../src/stack/flow_table.ts";
import { datagramFrame } from "../../support/naive_udp.ts";
import { UdpScript } from "../../support/udp_script.ts";
import { Host } from "../../support/host.ts";
import {
  cut,
  frameOf,
  HOSTS,
  icmpPacket,
  ipPacket,
  join,
  rejoin,
  u16,
  u32,
} from "../../support/naive_ip.ts";
import { established, type Script, type ScriptOptions, streamBytes } from "../../support/script.ts";

/** How a test differs from a message that is right. */
interface Message {
  readonly family?: 4 | 6;
  readonly mtu: number;
  /** Relative to the stack's initial sequence number. */
  readonly seq?: number;
  /** What the quoted packet says of its own length. */
  readonly length?: number;
  readonly port?: number;
  readonly protocol?: number;
  readonly type?: number;
  readonly code?: number;
  readonly quoted?: (packet: Uint8Array) => Uint8Array;
}

/** Fragmentation Needed or Packet Too Big about a segment of the stack. */
function send(script: Script, message: Message): Script {
  const { family = 4, mtu, seq = 1, length = 1500, port = 40_000, protocol = 6 } = message;
  const { program, far } = HOSTS[family];
  const tcp = join(
    [...u16(443), ...u16(port)],
    u32((script.stackIss + seq) >>> 0),
    new Uint8Array(12),
  );
  let quoted = ipPacket({ source: far, destination: program, protocol, payload: tcp });
  quoted.set(u16(family === 4 ? length : length - 40), family === 4 ? 2 : 4);
  quoted = (message.quoted?.(quoted) ?? quoted) as typeof quoted;
  const { type = family === 4 ? 3 : 2, code = family === 4 ? 4 : 0 } = message;
  const frame = frameOf(icmpPacket(family, type, code, mtu, quoted));
  script.stack.handlePacket(frame, frame.length, script.now);
  return script;
}

const SYN = { flags: "S", seq: 0, mss: 1460 };
const SYN_6 = { flags: "S", seq: 0, mss: 1440 };

/** A flow with three full segments in flight. */
function flying(family: 4 | 6, options: ScriptOptions = {}): Script {
  const script = established({ family, ...options }, family === 4 ? SYN : SYN_6);
  const size = family === 4 ? 1460 : 1440;
  script.write(3 * size);
  return script.expect(
    `A 1+${size} ack 1`,
    `A ${1 + size}+${size} ack 1`,
    `PA ${1 + 2 * size}+${size} ack 1`,
  );
}

Deno.test("RFC 1191 6.5: after Fragmentation Needed what is in flight goes again in smaller segments, at once", () => {
  const script = flying(4);
  send(script, { mtu: 1240 }).drops();
  script.expect("A 1+1200 ack 1", "A 1201+1200 ack 1", "A 2401+1200 ack 1", "PA 3601+780 ack 1");
  script.send({ ack: 4381, seq: 1 }).write(1300);
  script.expect("A 4381+1200 ack 1", "PA 5581+100 ack 1");
});

Deno.test("RFC 8201 5.4: after Packet Too Big what is in flight goes again in smaller segments, at once", () => {
  const script = flying(6);
  send(script, { family: 6, mtu: 1340 }).drops();
  script.expect("A 1+1280 ack 1", "A 1281+1280 ack 1", "A 2561+1280 ack 1", "PA 3841+480 ack 1");
});

Deno.test("RFC 1191 6.5: a path that is narrower is no congestion: the window stays", () => {
  const script = established();
  script.write(100_000);
  assertEquals(script.drain().length, 10);
  send(script, { mtu: 576 });
  const lines = script.drain();
  const bytes = lines.reduce((sum, line) => sum + Number(/\+(\d+)/.exec(line)![1]), 0);
  assertEquals(lines[0], "A 1+536 ack 1");
  assert(bytes > 14_600 - 536 && bytes <= 14_600, `${bytes} bytes`);
});

Deno.test("RFC 6298 3: what went again because of the path is not timed", () => {
  const script = flying(4).until(190);
  send(script, { mtu: 1240 });
  assertEquals(script.drain().length, 4);
  script.until(195).send({ seq: 1, ack: 4381 }).write(10);
  // A sample of 195 ms would make the RTO longer than its least.
  script.expect("PA 4381+10 ack 1").until(400, "395: PA 4381+10 ack 1");
});

Deno.test("RFC 9293 3.8.6.1: a probe that was too big for the path is smaller the next time", () => {
  const script = established().send({ seq: 1, ack: 1, window: 3000 });
  script.write(3000);
  script.drain();
  script.send({ seq: 1, ack: 3001, window: 1300 }).write(5000);
  script.expect().until(200, "200: A 3001+1300 ack 1");
  send(script, { mtu: 1240, seq: 3001, length: 1340 }).expect();
  script.until(600, "600: A 3001+1200 ack 1");
});

Deno.test("a super-packet is made of smaller segments from then on", () => {
  const script = established({ offload: true });
  script.write(20_000);
  script.expect("A 1+14600/1460 ack 1");
  send(script, { mtu: 1240, length: 14_640 });
  script.expect("A 1+14400/1200 ack 1", "A 14401+200 ack 1");
});

Deno.test("RFC 5927 4.1: a message about what is not in flight is ignored", () => {
  for (const seq of [0, -1, 4381, 1_000_000, -1_000_000]) {
    const script = flying(4);
    send(script, { mtu: 576, seq }).expect().drops({ "icmp-error-not-in-flight": 1 });
  }
  const script = flying(4).send({ seq: 1, ack: 4381 });
  send(script, { mtu: 576, seq: 1 }).expect().drops({ "icmp-error-not-in-flight": 1 });
});

Deno.test("RFC 5927 4.1: a message about no flow of ours is ignored", () => {
  const script = flying(4);
  send(script, { mtu: 576, port: 40_001 });
  send(script, { mtu: 576, quoted: (packet) => packet.with(19, 9) }); // another program
  script.expect().drops({ "icmp-error-without-flow": 2 });
});

Deno.test("RFC 5927 4.1: a message that does not quote a packet of ours is ignored", () => {
  const script = flying(4);
  const quotes: ((packet: Uint8Array) => Uint8Array)[] = [
    (packet) => packet.subarray(0, 27), // less than eight bytes of the segment
    (packet) => packet.with(0, 0x46), // options, which we never send
    (packet) => packet.with(0, 0x65), // another family
    (packet) => packet.with(15, 9), // another sender than the one it is told to
    () => new Uint8Array(0),
  ];
  for (const quoted of quotes) send(script, { mtu: 576, quoted });
  script.expect().drops({ "icmp-error-bad-quote": quotes.length });
});

Deno.test("RFC 5927 7.2: a message about a packet that would have fit is ignored", () => {
  const script = flying(4);
  send(script, { mtu: 1500 });
  send(script, { mtu: 1400, length: 1400 });
  script.expect().drops({ "icmp-mtu-not-smaller": 2 });
});

Deno.test("RFC 8201 4: the path is never taken for wider, and what is known is no news", () => {
  const script = flying(6);
  send(script, { family: 6, mtu: 1300 });
  script.drain();
  send(script, { family: 6, mtu: 1400 });
  send(script, { family: 6, mtu: 1300 });
  script.expect().drops({ "icmp-mtu-known": 2 });
});

Deno.test("RFC 8201 4: Packet Too Big below 1280 bytes is discarded, and RFC 8021: nothing is cut for it", () => {
  const script = flying(6);
  for (const mtu of [0, 68, 1279]) send(script, { family: 6, mtu });
  script.expect().drops({ "icmp-mtu-below-minimum": 3 });
});

Deno.test("RFC 1191 5: a router that does not say its MTU has the next usual one", () => {
  assertEquals([1500, 1492, 9000, 65_535, 300, 296, 40].map(nextPlateau), [
    ...[1492, 1006, 8166, 32_000, 296, 68, 68],
  ]);
  const script = flying(4);
  send(script, { mtu: 0 });
  script.expect("A 1+1452 ack 1", "A 1453+1452 ack 1", "A 2905+1452 ack 1", "PA 4357+24 ack 1");
});

Deno.test("RFC 791 3.2, RFC 5927 7.3: below 576 bytes segments stay at 536 and routers may cut them", () => {
  for (const mtu of [68, 300, 575]) {
    const script = flying(4);
    const frame = new Uint8Array(2000);
    const stack = script.stack;
    send(script, { mtu }).drops();
    const ids = new Set<number>();
    for (let length; (length = stack.pollPacket(frame, 0)) > 0;) {
      assert(length <= 10 + 576);
      assertEquals([frame[16], frame[17]], [0, 0], "DF is set");
      ids.add(frame[14] * 256 + frame[15]);
    }
    assertEquals(ids.size, 9, "each with an identification of its own");
  }
  assertEquals(send(flying(4), { mtu: 576 }).drain()[0], "A 1+536 ack 1");
});

Deno.test("RFC 6864 4.3: a super-packet that may be cut uses as many identifications as it has segments", () => {
  const script = established({ offload: true });
  const frame = new Uint8Array(70_000);
  script.write(3000);
  script.drain();
  send(script, { mtu: 300, length: 3000 });
  const id = () => {
    assert(script.stack.pollPacket(frame, 0) > 0);
    return frame[14] * 256 + frame[15];
  };
  const first = id();
  script.send({ seq: 1, ack: 3001 }).write(100);
  assertEquals((id() - first) & 0xffff, 6);
});

Deno.test("a new flow to a host whose path is known begins with segments that fit, and offers its own MSS all the same", () => {
  const script = flying(4);
  send(script, { mtu: 1240 });
  script.drain();
  script.send({ ...SYN, sourcePort: 50_000 }).events("request").accept();
  script.expect("SA 0 ack 1 mss 1460");
  script.send({ seq: 1, ack: 1, sourcePort: 50_000 }).events("opened");
  script.stack.write(script.id, streamBytes(0, 1300));
  script.expect("A 1+1200 ack 1", "PA 1201+100 ack 1");
});

Deno.test("RFC 8201 5.3, RFC 1191 6.3: what a path takes is forgotten after ten minutes, and the oldest when there are too many", () => {
  const paths = new PathMtus(2);
  const [a, b, c] = [1, 2, 3].map((n) => Uint8Array.of(10, 0, 0, n));
  paths.lower(a, 1300, 0);
  assertEquals([paths.get(a, 599_999), paths.get(a, 600_000)], [1300, Infinity]);
  paths.lower(a, 1400, 1);
  assertEquals(paths.get(a, 1), 1300);
  paths.lower(b, 1350, 2);
  paths.lower(c, 1360, 3);
  assertEquals([a, b, c].map((host) => paths.get(host, 4)), [Infinity, 1350, 1360]);
  assertEquals(paths.size, 2);
  paths.lower(b, 1280, 5);
  paths.lower(a, 1300, 6);
  assertEquals([a, b, c].map((host) => paths.get(host, 7)), [1300, 1280, Infinity]);
  paths.lower(a, 1400, 600_006);
  assertEquals(paths.get(a, 600_006), 1400, "what is over is no measure");
  new PathMtus(0).lower(a, 1300, 0);
});

Deno.test("RFC 8200 5: an answer over IPv6 that was too big leaves in pieces from then on", () => {
  const host = new Host();
  const request = icmpPacket(6, 128, 0, 7, new Uint8Array(1400).fill(5));
  const [reply] = host.ask(request);
  assertEquals(reply.length, 1448);
  const { program, far } = HOSTS[6];
  host.send(icmpPacket(6, 2, 0, 1280, reply.subarray(0, 1232)));
  const pieces = host.ask(request);
  assertEquals(pieces.map((piece) => piece.length), [1280, 224]);
  assertEquals(rejoin(pieces), reply);
  assert(program.length === far.length);
  host.drops();
});

Deno.test("RFC 1191 3: what is no segment may be cut by routers over IPv4, so that nothing is to be learned of it", () => {
  const script = flying(4);
  send(script, { mtu: 576, protocol: 17 }).expect().drops({ "icmp-error-ignored": 1 });
});

Deno.test("RFC 791 3.2: no path is taken for narrower than 68 bytes, and a datagram to it leaves in a finite number of pieces", () => {
  const script = flying(4);
  send(script, { mtu: 20 });
  const give = (frame: Uint8Array) => script.stack.handlePacket(frame, frame.length, script.now);
  give(datagramFrame({ data: new Uint8Array(1) }));
  for (let event; (event = script.stack.pollEvent()) !== undefined;) {
    if (event.type === "request") script.stack.associations.accept(event.id);
    if (event.type === "request") script.stack.associations.send(event.id, new Uint8Array(400));
  }
  const frame = new Uint8Array(70_000);
  let pieces = 0;
  for (let length; pieces < 1000 && (length = script.stack.pollPacket(frame, script.now)) > 0;) {
    const isUdp = frame[10 + 9] === 17;
    if (isUdp) assert(length - 10 <= 68);
    if (isUdp) pieces++;
  }
  assertEquals(pieces, Math.ceil(408 / 48));
});

Deno.test("RFC 8201 5.4: after Packet Too Big about a datagram those behind it leave in pieces that fit", () => {
  const script = new UdpScript().send(1, 10, { family: 6 }).events("request").accept();
  script.answer(2, 1452).expect("2x1452");
  const { program, far } = HOSTS[6];
  const udp = join(u16(443), u16(12_345), u16(1460), [0, 0], new Uint8Array(1452));
  const quoted = ipPacket({ source: far, destination: program, protocol: 17, payload: udp });
  script.give(frameOf(icmpPacket(6, 2, 0, 1300, quoted.slice(0, 1200))));
  script.events().answer(3, 1452).expect("3x1452 in 2").answer(4, 1252).expect("4x1252").drops();
  // Another host has another path; and this one is tried anew after ten minutes.
  script.send(1, 1, { family: 6 }).until(10 * 60_000);
  script.send(1, 10, { family: 6 }).events("ended: idle", "request").accept();
  script.answer(5, 1452).expect("5x1452");
});

Deno.test("RFC 1191 3: over IPv4 datagrams may be cut by routers, so that a message about one changes nothing", () => {
  const script = new UdpScript().send(1, 10).events("request").accept();
  script.answer(2, 1472).expect("2x1472");
  const { program, far } = HOSTS[4];
  const udp = join(u16(443), u16(12_345), u16(1480), [0, 0], new Uint8Array(1472));
  const quoted = ipPacket({ source: far, destination: program, protocol: 17, payload: udp });
  script.give(frameOf(icmpPacket(4, 3, 4, 600, quoted.slice(0, 548))));
  script.answer(3, 1472).expect("3x1472").drops({ "icmp-error-ignored": 1 });
});

Deno.test("RFC 5927 5.2: no other ICMP error ends a flow, or changes it", () => {
  for (const family of [4, 6] as const) {
    const script = flying(family);
    const pairs = family === 4
      ? [[3, 0], [3, 1], [3, 2], [3, 3], [3, 5], [3, 13], [4, 0], [5, 1], [11, 0], [11, 1], [12, 0]]
      : [[1, 0], [1, 1], [1, 3], [1, 4], [3, 0], [3, 1], [4, 0], [4, 1], [4, 2], [137, 0]];
    for (const [type, code] of pairs) send(script, { family, mtu: 1300, type, code });
    script.expect().events().drops({ "icmp-error-ignored": pairs.length });
    script.send({ seq: 1, ack: 1 + 3 * (family === 4 ? 1460 : 1440) }).write(10);
    assertEquals(script.drain().length, 1);
  }
});

Deno.test("RFC 8201 4: a message that came in fragments counts as one that came whole", () => {
  const script = flying(4);
  const { program, far } = HOSTS[4];
  const tcp = join([...u16(443), ...u16(40_000)], u32(script.stackIss + 1), new Uint8Array(500));
  const quoted = ipPacket({ source: far, destination: program, protocol: 6, payload: tcp });
  quoted.set(u16(1500), 2);
  for (const piece of cut(icmpPacket(4, 3, 4, 1240, quoted), 3, 256)) {
    const frame = frameOf(piece);
    script.stack.handlePacket(frame, frame.length, 0);
  }
  assertEquals(script.drain()[0], "A 1+1200 ack 1");
});

Deno.test("a flow whose segments are smaller than its path is left alone", () => {
  const limits: number[] = [];
  const limitMss = (mss: number) => limits.push(mss) === 0;
  const entry = { version: 4, mayFragment: false, endpoint: { limitMss } } as unknown as FlowEntry;
  assertEquals([1500, 600, 576, 400, 400].map((mtu) => fitToPath(entry, mtu)), [
    ...[false, false, false, true, false],
  ]);
  assertEquals(limits, [1460, 560, 536, 536, 536]);
});
