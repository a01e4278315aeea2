import { assertEquals } from "@std/assert";
import {
  FIN,
  newSegment,
  parseTcp,
  segmentLength,
  SYN,
  writeTcpHeader,
} from "../../../src/wire/tcp.ts";
import { newOptions, parseTcpOptions, writeTcpOptions } from "../../../src/wire/tcp_options.ts";
import type { TcpOptions } from "../../../src/wire/tcp_options.ts";
import { newDatagram, parseUdp, writeUdpHeader } from "../../../src/wire/udp.ts";
import { decode, encode } from "../../support/naive_packet.ts";
import { type Dice, seededDice } from "../random.ts";

/** Options as an object in which only what is there is named. */
function named(options: TcpOptions) {
  const { mss, windowShift, sackPermitted, hasTimestamps, sackCount, sackEdges } = options;
  return {
    ...(mss >= 0 && { mss }),
    ...(windowShift >= 0 && { windowShift }),
    ...(sackPermitted && { sackPermitted }),
    ...(hasTimestamps && { timestamps: [options.timestampValue, options.timestampEcho] }),
    ...(sackCount > 0 && { sack: [...sackEdges.subarray(0, 2 * sackCount)] }),
  };
}

function parsed(...bytes: number[]) {
  const options = newOptions();
  parseTcpOptions(Uint8Array.from(bytes), 0, bytes.length, options);
  return named(options);
}

function randomOptions(dice: Dice): TcpOptions {
  const options = newOptions();
  if (dice.int(2)) options.mss = dice.int(65_536);
  if (dice.int(2)) options.windowShift = dice.int(15);
  options.sackPermitted = dice.int(2) === 1;
  options.hasTimestamps = dice.int(2) === 1;
  options.timestampValue = dice.int(2 ** 32);
  options.timestampEcho = dice.int(2 ** 32);
  // A SYN has no blocks to report.
  if (options.mss < 0 && options.windowShift < 0 && !options.sackPermitted) {
    options.sackCount = dice.int(options.hasTimestamps ? 4 : 5);
    for (let i = 0; i < 8; i++) options.sackEdges[i] = dice.int(2 ** 32);
  }
  return options;
}

Deno.test("options that were written are read back, by us and by the naive twin", () => {
  const dice = seededDice(6);
  const [source, destination] = [dice.bytes(4), dice.bytes(4)];
  for (let i = 0; i < 500; i++) {
    const options = randomOptions(dice);
    const bytes = new Uint8Array(60);
    const length = writeTcpOptions(bytes, 0, options);
    assertEquals(length % 4, 0);
    assertEquals(length <= 40, true);
    const back = newOptions();
    parseTcpOptions(bytes, 0, length, back);
    assertEquals(named(back), named(options));
    // The twin puts them in its own order, which must not matter.
    const { mss, windowShift, sackPermitted, timestamps, sack } = named(options);
    const blocks: [number, number][] = [];
    for (let at = 0; at < (sack?.length ?? 0); at += 2) blocks.push([sack![at], sack![at + 1]]);
    const frame = encode({
      source,
      destination,
      sourcePort: 1,
      destinationPort: 2,
      seq: 3,
      ack: 4,
      flags: "A",
      window: 5,
      mss,
      scale: windowShift,
      sackOk: sackPermitted,
      timestamps: timestamps as [number, number] | undefined,
      sack: blocks,
      payload: new Uint8Array(0),
    });
    const segment = newSegment();
    assertEquals(parseTcp(frame, 30, frame.length, segment), undefined);
    assertEquals(named(segment.options), named(options));
    assertEquals(decode(frame).seq, 3);
  }
});

Deno.test("the options of a Linux SYN are read", () => {
  const syn = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 5, 0, 0, 0, 0, 1, 3, 3, 7];
  assertEquals(parsed(...syn), {
    mss: 1460,
    windowShift: 7,
    sackPermitted: true,
    timestamps: [5, 0],
  });
});

Deno.test("an option that is malformed ends the list, and what came before it counts", () => {
  assertEquals(parsed(3, 3, 7, 2), { windowShift: 7 });
  assertEquals(parsed(3, 3, 7, 2, 0, 0, 0), { windowShift: 7 });
  assertEquals(parsed(3, 3, 7, 2, 1, 4, 2), { windowShift: 7 });
  assertEquals(parsed(3, 3, 7, 2, 4, 5), { windowShift: 7 });
  assertEquals(parsed(3, 3, 7, 0, 4, 2), { windowShift: 7 });
});

Deno.test("options of a wrong or unknown kind are walked over by their length", () => {
  assertEquals(parsed(254, 4, 9, 9, 4, 2), { sackPermitted: true });
  assertEquals(parsed(2, 3, 9, 4, 2), { sackPermitted: true });
  assertEquals(parsed(4, 3, 9, 3, 4, 1, 1), {});
  assertEquals(parsed(5, 2, 5, 9, 1, 1, 1, 1, 1, 1, 1), {});
  assertEquals(parsed(1, 1, 1, 3, 3, 15), { windowShift: 14 });
});

Deno.test("options cut at every length give no more than the whole, and never an error", () => {
  const whole = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 5, 0, 0, 0, 9, 3, 3, 7];
  for (let end = 0; end <= whole.length; end++) {
    const found = Object.keys(parsed(...whole.slice(0, end)));
    assertEquals(found.every((name) => name in parsed(...whole)), true);
    assertEquals(found.length, [4, 6, 16, 19].filter((each) => each <= end).length);
  }
});

Deno.test("a TCP header that was written is read back", () => {
  const dice = seededDice(7);
  for (let i = 0; i < 200; i++) {
    const at = dice.int(4);
    const [sourcePort, destinationPort] = [1 + dice.int(65_535), 1 + dice.int(65_535)];
    const [seq, ack, flags, window] = [2 ** 32, 2 ** 32, 256, 65_536].map((n) => dice.int(n));
    const optionsLength = 4 * dice.int(11);
    const bytes = dice.bytes(at + 20 + optionsLength + 7);
    bytes.fill(1, at + 20, at + 20 + optionsLength);
    writeTcpHeader(
      bytes,
      at,
      sourcePort,
      destinationPort,
      seq,
      ack,
      flags,
      window,
      20 + optionsLength,
    );
    const segment = newSegment();
    assertEquals(parseTcp(bytes, at, bytes.length, segment), undefined);
    const { options: _, ...fields } = segment;
    const payloadAt = at + 20 + optionsLength;
    const payloadEnd = bytes.length;
    const ports = { sourcePort, destinationPort };
    assertEquals(fields, { ...ports, seq, ack, flags, window, payloadAt, payloadEnd });
    const taken = 7 + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0);
    assertEquals(segmentLength(segment), taken);
  }
});

Deno.test("a TCP header that is cut or false is dropped by reason", () => {
  const bytes = new Uint8Array(24);
  writeTcpHeader(bytes, 0, 1, 2, 3, 4, 0x10, 5, 24);
  const reason = (end = 24, change: (bytes: Uint8Array) => void = () => {}) => {
    const copy = bytes.slice();
    change(copy);
    return parseTcp(copy, 0, end, newSegment());
  };
  for (let end = 0; end < 20; end++) assertEquals(reason(end), "tcp-truncated");
  for (let end = 20; end < 24; end++) assertEquals(reason(end), "tcp-bad-header-length");
  for (const words of [0, 1, 2, 3, 4, 7, 15]) {
    assertEquals(reason(24, (b) => b[12] = words << 4), "tcp-bad-header-length");
  }
  assertEquals(reason(24, (b) => b[1] = 0), "tcp-port-zero");
  assertEquals(reason(24, (b) => b[3] = 0), "tcp-port-zero");
  assertEquals(reason(), undefined);
});

Deno.test("a UDP header that was written is read back, and surplus bytes are no payload", () => {
  const bytes = new Uint8Array(30);
  writeUdpHeader(bytes, 2, 12_345, 53, 10);
  const datagram = newDatagram();
  assertEquals(parseUdp(bytes, 2, 30, datagram), undefined);
  assertEquals(datagram, {
    sourcePort: 12_345,
    destinationPort: 53,
    checksum: 0,
    payloadAt: 10,
    payloadEnd: 20,
  });
});

Deno.test("a UDP header that is cut or false is dropped by reason", () => {
  const bytes = new Uint8Array(12);
  writeUdpHeader(bytes, 0, 1, 53, 4);
  const reason = (end: number) => parseUdp(bytes, 0, end, newDatagram());
  for (let end = 0; end < 8; end++) assertEquals(reason(end), "udp-truncated");
  for (let end = 8; end < 12; end++) assertEquals(reason(end), "udp-bad-length");
  assertEquals(reason(12), undefined);
  bytes[5] = 7;
  assertEquals(reason(12), "udp-bad-length");
  writeUdpHeader(bytes, 0, 1, 0, 4);
  assertEquals(reason(12), "udp-port-zero");
});
