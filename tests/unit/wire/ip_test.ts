import { assertEquals } from "@std/assert";
import { newIpPacket } from "../../../src/wire/ip.ts";
import { parseIpv4, writeIpv4Header } from "../../../src/wire/ipv4.ts";
import { parseIpv6, writeIpv6Header } from "../../../src/wire/ipv6.ts";
import { walkExtensions } from "../../../src/wire/ipv6_extensions.ts";
import { naiveSum } from "../../support/naive_packet.ts";
import { seededDice } from "../random.ts";

const dice = seededDice(5);

/** An IPv4 packet with `options` bytes of options and `payload` bytes, changed by `change`. */
function ipv4(options: number, payload: number, change: (bytes: Uint8Array) => void = () => {}) {
  const header = 20 + options;
  const bytes = new Uint8Array(header + payload);
  bytes.set([0x40 | header / 4, 0, (header + payload) >>> 8, header + payload, 1, 2, 0, 0, 9, 17]);
  bytes.set([198, 18, 0, 1, 203, 0, 113, 5], 12);
  bytes.fill(1, 20, header);
  change(bytes);
  new DataView(bytes.buffer).setUint16(10, ~naiveSum(bytes.subarray(0, header)));
  return bytes;
}

function parse4(bytes: Uint8Array, start = 0, end = bytes.length) {
  const into = newIpPacket();
  return parseIpv4(bytes, start, end, into) ?? into;
}

function parse6(bytes: Uint8Array, start = 0, end = bytes.length) {
  const into = newIpPacket();
  return parseIpv6(bytes, start, end, into) ?? walkExtensions(bytes, into) ?? into;
}

Deno.test("an IPv4 header that was written is read back, wherever it stands", () => {
  for (let i = 0; i < 200; i++) {
    const [source, destination] = [dice.bytes(4), dice.bytes(4)];
    const [protocol, hopLimit] = [dice.int(256), 1 + dice.int(255)];
    const [at, payload] = [dice.int(5), dice.int(30)];
    const bytes = dice.bytes(at + 20 + payload + 3);
    writeIpv4Header(bytes, at, source, destination, protocol, payload, hopLimit);
    assertEquals(naiveSum(bytes.slice(at, at + 20)), 0xffff);
    assertEquals(parse4(bytes, at), {
      ...newIpPacket(),
      version: 4,
      addressLength: 4,
      start: at,
      sourceAt: at + 12,
      destinationAt: at + 16,
      protocol,
      protocolAt: at + 9,
      payloadAt: at + 20,
      payloadEnd: at + 20 + payload,
      hopLimit,
    });
    assertEquals(bytes.slice(at + 12, at + 20), Uint8Array.of(...source, ...destination));
  }
});

Deno.test("IPv4 options are walked over", () => {
  for (const options of [0, 4, 40]) {
    const packet = parse4(ipv4(options, 5));
    assertEquals(typeof packet === "string" ? packet : packet.payloadAt, 20 + options);
  }
});

Deno.test("an IPv4 packet that is cut or false is dropped by reason", () => {
  const whole = ipv4(4, 10);
  for (let end = 0; end < whole.length; end++) {
    assertEquals(parse4(whole, 0, end), "ipv4-truncated");
  }
  assertEquals(parse4(ipv4(0, 5, (b) => b[0] = 0x44)), "ipv4-bad-length");
  assertEquals(parse4(ipv4(0, 5, (b) => b[3] = 19)), "ipv4-bad-length");
  assertEquals(parse4(ipv4(0, 5, (b) => b[3] = 26)), "ipv4-truncated");
  assertEquals(typeof parse4(ipv4(0, 5, (b) => b[6] = 0x40)), "object");
  for (let at = 0; at < 20; at++) {
    const bad = ipv4(0, 5);
    bad[at] ^= 0x10;
    assertEquals(typeof parse4(bad), "string", `byte ${at}`);
  }
});

Deno.test("an IPv6 header that was written is read back, wherever it stands", () => {
  for (let i = 0; i < 200; i++) {
    const [source, destination] = [dice.bytes(16), dice.bytes(16)];
    const [protocol, hopLimit] = [dice.pick([6, 17, 58, 132]), dice.int(256)];
    const [at, payload] = [dice.int(5), dice.int(30)];
    const bytes = dice.bytes(at + 40 + payload + 3);
    writeIpv6Header(bytes, at, source, destination, protocol, payload, hopLimit);
    assertEquals(parse6(bytes, at), {
      ...newIpPacket(),
      version: 6,
      addressLength: 16,
      start: at,
      sourceAt: at + 8,
      destinationAt: at + 24,
      protocol,
      protocolAt: at + 6,
      payloadAt: at + 40,
      payloadEnd: at + 40 + payload,
      hopLimit,
    });
    assertEquals(bytes.slice(at + 8, at + 40), Uint8Array.of(...source, ...destination));
  }
});

/** An IPv6 packet with these extension headers, given as [kind, count of eights behind the first]. */
function ipv6(extensions: [kind: number, eights: number][], protocol: number, payload: number) {
  const length = extensions.reduce((sum, [, eights]) => sum + 8 + 8 * eights, payload);
  const bytes = new Uint8Array(40 + length);
  writeIpv6Header(bytes, 0, dice.bytes(16), dice.bytes(16), protocol, length, 64);
  let [nextAt, at] = [6, 40];
  for (const [kind, eights] of extensions) {
    bytes[nextAt] = kind;
    bytes[at + 1] = eights;
    nextAt = at;
    at += 8 + 8 * eights;
  }
  bytes[nextAt] = protocol;
  return bytes;
}

Deno.test("IPv6 extension headers are walked over, up to the payload", () => {
  for (const chain of [[[0, 0]], [[0, 1], [60, 0]], [[43, 2], [60, 3], [60, 0]]]) {
    const bytes = ipv6(chain as [number, number][], 6, 20);
    const packet = parse6(bytes);
    if (typeof packet === "string") throw new Error(packet);
    assertEquals([packet.protocol, packet.payloadAt], [6, bytes.length - 20]);
  }
});

Deno.test("an IPv6 packet that is cut is dropped by reason", () => {
  const whole = ipv6([[0, 0], [60, 1]], 6, 4);
  for (let end = 0; end < whole.length; end++) {
    assertEquals(parse6(whole, 0, end), "ipv6-truncated");
  }
  const beyond = ipv6([[0, 0]], 6, 4);
  beyond[41] = 255;
  assertEquals(parse6(beyond), "ipv6-truncated");
  assertEquals(parse6(ipv6([], 0, 7)), "ipv6-truncated");
});
