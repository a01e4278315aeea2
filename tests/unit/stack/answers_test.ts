import { assertEquals } from "@std/assert";
import { Stack, type StackOptions } from "../../../src/stack/stack.ts";
import { parseIp } from "../../../src/wire/address.ts";
import { describePacket } from "../../../src/wire/describe.ts";
import { encode, naiveSum } from "../../support/naive_packet.ts";

const HOSTS = {
  4: [parseIp("198.18.0.1")!, parseIp("203.0.113.5")!],
  6: [parseIp("fd00::1")!, parseIp("2001:db8::5")!],
} as const;

/** An IP packet around a payload, as a plain frame. */
function ipFrame(
  protocol: number,
  payload: Uint8Array,
  source: Uint8Array,
  destination: Uint8Array,
): Uint8Array {
  const length = payload.length;
  const isV4 = source.length === 4;
  const header = isV4
    ? [0x45, 0, (20 + length) >>> 8, 20 + length, 0, 0, 0, 0, 64, protocol, 0, 0]
    : [0x60, 0, 0, 0, length >>> 8, length, protocol, 64];
  const ip = Uint8Array.of(...header, ...source, ...destination);
  if (isV4) new DataView(ip.buffer).setUint16(10, ~naiveSum(ip));
  return Uint8Array.of(...new Uint8Array(10), ...ip, ...payload);
}

/** A payload with its checksum at `at`, over the pseudo-header where there is one. */
function summed(
  payload: Uint8Array,
  at: number,
  protocol: number,
  source: Uint8Array,
  destination: Uint8Array,
): Uint8Array {
  const length = payload.length;
  const pseudo = Uint8Array.of(...source, ...destination, 0, protocol, length >>> 8, length);
  const sum = naiveSum(protocol === 1 ? new Uint8Array(0) : pseudo, payload);
  new DataView(payload.buffer).setUint16(at, ~sum);
  return payload;
}

function udpFrame(port: number, payload: number, family: 4 | 6 = 4): Uint8Array {
  const [source, destination] = HOSTS[family];
  const udp = Uint8Array.of(0x30, 0x39, port >>> 8, port, 0, 8 + payload, 0, 0);
  const whole = Uint8Array.of(...udp, ...new Uint8Array(payload).fill(7));
  return ipFrame(17, summed(whole, 6, 17, source, destination), source, destination);
}

function echoFrame(family: 4 | 6, target = HOSTS[family][1]): Uint8Array {
  const source = HOSTS[family][0];
  const protocol = family === 4 ? 1 : 58;
  const echo = Uint8Array.of(family === 4 ? 8 : 128, 0, 0, 0, 0x12, 0x34, 0, 1, 1, 2, 3, 4, 5);
  return ipFrame(protocol, summed(echo, 2, protocol, source, target), source, target);
}

function answers(frame: Uint8Array, options: Partial<StackOptions> = {}) {
  const limits = { associations: 0, ...options.limits };
  const secret = new Uint8Array(16);
  const stack = new Stack({ mtu: 1500, offload: false, secret, ...options, limits });
  stack.handlePacket(frame, frame.length, 0);
  const packets: Uint8Array[] = [];
  const out = new Uint8Array(70_000);
  for (let length; (length = stack.pollPacket(out, 0)) > 0;) packets.push(out.slice(10, length));
  return { packets, drops: Object.fromEntries(stack.drops), stack };
}

/** Checks the sums of an ICMP packet in the naive way. */
function checkIcmp(packet: Uint8Array): void {
  const isV4 = packet[0] >>> 4 === 4;
  if (isV4) assertEquals(naiveSum(packet.subarray(0, 20)), 0xffff);
  const icmp = packet.subarray(isV4 ? 20 : 40);
  const pseudo = Uint8Array.of(...packet.subarray(8, 40), 0, 58, icmp.length >>> 8, icmp.length);
  assertEquals(naiveSum(isV4 ? new Uint8Array(0) : pseudo, icmp), 0xffff);
}

for (const family of [4, 6] as const) {
  Deno.test(`without associations a datagram is answered with port unreachable, over IPv${family}`, () => {
    const frame = udpFrame(53, 20, family);
    const { packets: [packet], drops } = answers(frame);
    checkIcmp(packet);
    const at = family === 4 ? 20 : 40;
    assertEquals([...packet.subarray(at, at + 2)], family === 4 ? [3, 3] : [1, 4]);
    assertEquals(packet.subarray(at + 8), frame.subarray(10), "the packet is quoted");
    assertEquals(drops, { "udp-port-unreachable": 1 });
  });

  Deno.test(`an echo to an own address is answered with its data, over IPv${family}`, () => {
    const addresses = ["203.0.113.5", "2001:db8::5"];
    const { packets: [packet], drops } = answers(echoFrame(family), { addresses });
    checkIcmp(packet);
    const at = family === 4 ? 20 : 40;
    assertEquals(packet[at], family === 4 ? 0 : 129);
    assertEquals([...packet.subarray(at + 4)], [0x12, 0x34, 0, 1, 1, 2, 3, 4, 5]);
    assertEquals(drops, {});
    const other = answers(echoFrame(family));
    assertEquals([other.packets.length, other.drops], [0, { "icmp-not-ours": 1 }]);
  });
}

Deno.test("an ICMP error quotes no more than the RFCs allow", () => {
  const long = (family: 4 | 6) => {
    const [source, destination] = HOSTS[family];
    const udp = new Uint8Array(1400);
    udp.set([0x30, 0x39, 0, 99, 1400 >>> 8, 1400 & 255]);
    return ipFrame(17, summed(udp, 6, 17, source, destination), source, destination);
  };
  assertEquals(answers(long(4)).packets[0].length, 576);
  assertEquals(answers(long(6)).packets[0].length, 1280);
});

Deno.test("a datagram to a port that was asked for is an event", () => {
  const { packets, drops, stack } = answers(udpFrame(53, 20), { datagramPorts: [53] });
  assertEquals([packets, drops], [[], {}]);
  assertEquals(stack.pollEvent(), {
    type: "datagram",
    source: { hostname: "198.18.0.1", port: 12_345 },
    destination: { hostname: "203.0.113.5", port: 53 },
    payload: new Uint8Array(20).fill(7),
  });
});

Deno.test("datagrams that wait for their owner are bounded", () => {
  const stack = new Stack({
    mtu: 1500,
    offload: false,
    secret: new Uint8Array(16),
    datagramPorts: [53],
    limits: { datagrams: 2 },
  });
  const frame = udpFrame(53, 20);
  for (let i = 0; i < 5; i++) stack.handlePacket(frame, frame.length, 0);
  assertEquals(Object.fromEntries(stack.drops), { "limit-datagrams": 3 });
  stack.pollEvent();
  stack.handlePacket(frame, frame.length, 0);
  assertEquals(Object.fromEntries(stack.drops), { "limit-datagrams": 3 });
});

Deno.test("a datagram to a program is whole, and its checksum is never zero", () => {
  const stack = new Stack({ mtu: 1500, offload: false, secret: new Uint8Array(16) });
  const from = { hostname: "203.0.113.5", port: 53 };
  const to = { hostname: "198.18.0.1", port: 12_345 };
  const out = new Uint8Array(70_000);
  for (let i = 0; i < 65_536; i += 1) {
    stack.sendDatagram(from, to, Uint8Array.of(i >>> 8, i));
    const packet = out.subarray(10, stack.pollPacket(out, 0));
    const sum = packet[26] * 256 + packet[27];
    if (sum === 0) throw new Error("A checksum of zero means that there is none");
    if (i % 4099 !== 0) continue;
    const pseudo = Uint8Array.of(...packet.subarray(12, 20), 0, 17, 0, 10);
    assertEquals(naiveSum(pseudo, packet.subarray(20)), 0xffff);
  }
  assertEquals(describePacket(out.subarray(10, 40)).includes("UDP"), true);
});

const TCP = {
  sourcePort: 1,
  destinationPort: 2,
  seq: 0,
  ack: 0,
  flags: "S",
  window: 100,
  payload: new Uint8Array(0),
};

Deno.test("packets to or from addresses that no host may use are dropped by reason", () => {
  const reasons = (source: string, destination: string) => {
    const frame = encode({ ...TCP, source: parseIp(source)!, destination: parseIp(destination)! });
    return Object.keys(answers(frame).drops)[0];
  };
  for (const bad of ["0.1.2.3", "127.0.0.1", "224.0.0.1", "255.255.255.255"]) {
    assertEquals(reasons(bad, "203.0.113.5"), "ip-bad-source");
  }
  for (const bad of ["0.0.0.0", "127.1.2.3"]) {
    assertEquals(reasons("198.18.0.1", bad), "ip-bad-destination");
  }
  assertEquals(reasons("198.18.0.1", "224.0.0.251"), "ip-multicast");
  assertEquals(reasons("198.18.0.1", "255.255.255.255"), "ip-broadcast");
  assertEquals(reasons("198.18.0.1", "240.0.0.1"), "ip-bad-destination");
  assertEquals(reasons("169.254.7.7", "203.0.113.5"), "ip-link-local-source");
  for (const bad of ["::", "::1", "ff02::1", "::ffff:1.2.3.4"]) {
    assertEquals(reasons(bad, "2001:db8::5"), "ip-bad-source");
  }
  for (const bad of ["::", "::1", "::ffff:1.2.3.4"]) {
    assertEquals(reasons("fd00::1", bad), "ip-bad-destination");
  }
  assertEquals(reasons("fe80::1", "2001:db8::5"), "ip-link-local-source");
  assertEquals(reasons("fe80::1", "ff02::2"), "ip-multicast");
  assertEquals(reasons("fd00::1", "febf::5"), "ip-link-local-destination");
  assertEquals(reasons("fd00::1", "ff02::fb"), "ip-multicast");
  assertEquals(reasons("fd00::1", "2001:db8::5"), undefined);
});

Deno.test("what is not whole is dropped by reason: cut at every length, each checksum wrong", () => {
  const reasons = (frame: Uint8Array) => Object.keys(answers(frame).drops)[0];
  for (const family of [4, 6] as const) {
    const [source, destination] = HOSTS[family];
    const frame = encode({ ...TCP, source, destination, payload: new Uint8Array(5) });
    for (let length = 0; length < frame.length; length++) {
      const { packets, drops } = answers(frame.subarray(0, length));
      assertEquals(packets.length, 0);
      assertEquals(Object.values(drops), [1], `cut at ${length}`);
    }
    const end = frame.length;
    const flip = (at: number) => frame.map((byte, i) => i === at ? byte ^ 1 : byte);
    assertEquals(reasons(flip(end - 1)), "tcp-bad-checksum");
    if (family === 4) assertEquals(reasons(flip(10 + 8)), "ipv4-bad-checksum");
    // A trusted checksum is not looked at: it is partial, or was verified (virtio 1.2, section 5.1.6).
    const trusted = flip(end - 1);
    trusted[0] = 1;
    assertEquals(reasons(trusted), undefined);
  }
  const udp = udpFrame(53, 4);
  assertEquals(reasons(udp.map((byte, i) => i === 40 ? byte ^ 1 : byte)), "udp-bad-checksum");
  const echo = echoFrame(4);
  assertEquals(reasons(echo.map((byte, i) => i === 40 ? byte ^ 1 : byte)), "icmp-bad-checksum");
});

Deno.test("IPv4 may leave out the checksum of UDP, IPv6 may not", () => {
  const without = (family: 4 | 6) => {
    const frame = udpFrame(53, 4, family);
    const at = 10 + (family === 4 ? 20 : 40) + 6;
    frame[at] = frame[at + 1] = 0;
    return answers(frame, { datagramPorts: [53] }).drops;
  };
  assertEquals(without(4), {});
  assertEquals(without(6), { "udp-no-checksum": 1 });
});

Deno.test("ICMP errors are counted and get no answer", () => {
  const [source, destination] = HOSTS[4];
  const error = summed(Uint8Array.of(3, 1, 0, 0, 0, 0, 0, 0), 2, 1, source, destination);
  const ignored = answers(ipFrame(1, error, source, destination));
  assertEquals([ignored.packets.length, ignored.drops], [0, { "icmp-error-ignored": 1 }]);
});

Deno.test("UDP and ICMP that are cut short inside a whole packet are dropped by reason", () => {
  const [source, destination] = HOSTS[4];
  const cut = (protocol: number) =>
    answers(ipFrame(protocol, new Uint8Array(7), source, destination));
  assertEquals(cut(17).drops, { "udp-truncated": 1 });
  assertEquals(cut(1).drops, { "icmp-truncated": 1 });
});

Deno.test("port unreachable is limited in rate", () => {
  const { packets, drops } = answers(udpFrame(99, 4), { limits: { repliesPerSecond: 0 } });
  assertEquals([packets.length, drops], [0, { "limit-replies": 1 }]);
});
