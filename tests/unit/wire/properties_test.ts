import { assertEquals } from "@std/assert";
import fc from "npm:fast-check@4.10.2";
import { newParsed, parseFrame } from "../../../src/stack/ingress.ts";
import { describePacket } from "../../../src/wire/describe.ts";
import { newSegment, parseTcp } from "../../../src/wire/tcp.ts";
import {
  newOptions,
  parseTcpOptions,
  type TcpOptions,
  writeTcpOptions,
} from "../../../src/wire/tcp_options.ts";
import { newDatagram, parseUdp } from "../../../src/wire/udp.ts";
import { encode } from "../../support/naive_packet.ts";

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });

/** What is known of options, without what lies in fields that mean nothing. */
function meaning(options: TcpOptions) {
  const { mss, windowShift, sackPermitted, hasTimestamps, sackCount, sackEdges } = options;
  const timestamps = hasTimestamps ? [options.timestampValue, options.timestampEcho] : [];
  const sack = [...sackEdges.subarray(0, 2 * sackCount)];
  return { mss, windowShift, sackPermitted, timestamps, sack };
}

Deno.test("property: any bytes are options that make sense, written again they mean the same", () => {
  fc.assert(fc.property(bytes(40), (raw) => {
    const options = newOptions();
    parseTcpOptions(raw, 0, raw.length, options);
    assertEquals(options.windowShift <= 14 && options.sackCount <= 4, true);
    // What a SYN says and what an ACK says never stand in one segment of ours.
    if (options.sackCount > 0 && (options.mss >= 0 || options.windowShift >= 0)) return;
    if (options.hasTimestamps) options.sackCount = Math.min(options.sackCount, 3);
    if (options.sackPermitted && options.sackCount > 3) return;
    const written = new Uint8Array(60);
    const length = writeTcpOptions(written, 0, options);
    assertEquals([length % 4, length <= 40], [0, true]);
    const again = newOptions();
    parseTcpOptions(written, 0, length, again);
    assertEquals(meaning(again), meaning(options));
  }));
});

Deno.test("property: a parser takes any bytes, and what it takes for good lies within them", () => {
  fc.assert(fc.property(bytes(80), fc.nat(20), (raw, at) => {
    at = Math.min(at, raw.length);
    const segment = newSegment();
    if (parseTcp(raw, at, raw.length, segment) === undefined) {
      const { payloadAt, payloadEnd } = segment;
      assertEquals([payloadAt >= at + 20, payloadAt <= payloadEnd], [true, true]);
      assertEquals(payloadEnd, raw.length);
    }
    const datagram = newDatagram();
    if (parseUdp(raw, at, raw.length, datagram) === undefined) {
      assertEquals(datagram.payloadAt, at + 8);
      assertEquals(datagram.payloadEnd >= at + 8 && datagram.payloadEnd <= raw.length, true);
    }
  }));
});

Deno.test("property: a frame of any bytes is a drop with a reason, or a packet that lies within it", () => {
  const version = fc.constantFrom(0x45, 0x46, 0x60, 0);
  fc.assert(fc.property(bytes(200), version, (raw, first) => {
    const frame = Uint8Array.of(...new Uint8Array(10), first, ...raw);
    const parsed = newParsed();
    const dropped = parseFrame(frame, frame.length, parsed);
    assertEquals(dropped === undefined || dropped.length > 3, true);
    if (dropped === undefined) assertEquals(parsed.ip.payloadEnd <= frame.length, true);
    assertEquals(describePacket(frame.subarray(10)).length > 0, true);
  }));
});

Deno.test("property: one bit turned over in a segment is seen, wherever it is", () => {
  const address = (family: 4 | 6) =>
    Uint8Array.from({ length: family === 4 ? 4 : 16 }, (_, i) => i + 32);
  const family = fc.constantFrom(4 as const, 6 as const);
  const flags = fc.constantFrom("S", "A", "PA", "FA", "R", "SA");
  fc.assert(
    fc.property(
      family,
      u32,
      u32,
      flags,
      bytes(50),
      fc.nat(),
      (family, seq, ack, flags, payload, bit) => {
        const ports = { sourcePort: 1 + seq % 65_535, destinationPort: 443 };
        const [source, destination] = [address(family), address(family).reverse()];
        const frame = encode({
          source,
          destination,
          ...ports,
          seq,
          ack,
          flags,
          window: 7,
          payload,
        });
        const parsed = newParsed();
        assertEquals(parseFrame(frame, frame.length, parsed), undefined);
        assertEquals([parsed.segment.seq, parsed.segment.ack], [seq, ack]);
        const tcpAt = 10 + (family === 4 ? 20 : 40);
        bit %= (frame.length - tcpAt) * 8;
        frame[tcpAt + (bit >> 3)] ^= 1 << (bit & 7);
        assertEquals(typeof parseFrame(frame, frame.length, parsed), "string");
      },
    ),
  );
});
