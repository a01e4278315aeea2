import { assertEquals } from "@std/assert";
import {
  checksumIsTrusted,
  checksumOffset,
  checksumStart,
  clearFrameHeader,
  FLAG_DATA_VALID,
  FRAME_HEADER_LENGTH,
  GSO_ECN,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  gsoSize,
  gsoType,
  needsChecksum,
  writeFrameHeader,
} from "../../../src/wire/virtio.ts";

Deno.test("a frame header is what struct virtio_net_hdr is, in little-endian", () => {
  const frame = new Uint8Array(12).fill(0xaa);
  writeFrameHeader(frame, GSO_TCPV6, 1428, 72, 40, 16);
  //                      flags type  hdr_len  gso_size    csum_start csum_offset
  assertEquals([...frame], [1, 4, 72, 0, 0x94, 0x05, 40, 0, 16, 0, 0xaa, 0xaa]);
});

Deno.test("a frame header that was written is read back", () => {
  const frame = new Uint8Array(FRAME_HEADER_LENGTH);
  writeFrameHeader(frame, GSO_TCPV4, 1448, 1000, 513, 300);
  assertEquals([gsoType(frame), gsoSize(frame)], [GSO_TCPV4, 1448]);
  assertEquals([checksumStart(frame), checksumOffset(frame)], [513, 300]);
  assertEquals([needsChecksum(frame), checksumIsTrusted(frame)], [true, true]);
  frame[1] |= GSO_ECN;
  assertEquals(gsoType(frame), GSO_TCPV4);
});

Deno.test("what is not to be cut has no type", () => {
  const frame = new Uint8Array(FRAME_HEADER_LENGTH);
  writeFrameHeader(frame, GSO_TCPV4, 0, 40, 20, 16);
  assertEquals([gsoType(frame), gsoSize(frame)], [GSO_NONE, 0]);
});

Deno.test("a plain frame has nothing to be done and nothing to be trusted", () => {
  const frame = new Uint8Array(12).fill(0xff);
  clearFrameHeader(frame);
  assertEquals([...frame], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);
  assertEquals([needsChecksum(frame), checksumIsTrusted(frame)], [false, false]);
  frame[0] = FLAG_DATA_VALID;
  assertEquals([needsChecksum(frame), checksumIsTrusted(frame)], [false, true]);
});
