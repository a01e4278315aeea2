/** Just enough of a TCP peer to make the kernel send: it answers a SYN and looks at what follows. */

import { getU16, getU32, setU16, setU32 } from "../../src/bytes.ts";
import type { Device } from "../../src/tun/device.ts";
import { checksum, pseudoHeaderSum } from "../../src/wire/checksum.ts";
import { newIpPacket, PROTOCOL_TCP } from "../../src/wire/ip.ts";
import { IPV4_HEADER_LENGTH, parseIpv4, writeIpv4Header } from "../../src/wire/ipv4.ts";
import { ACK, SYN, TCP_CHECKSUM_OFFSET, TCP_HEADER_LENGTH } from "../../src/wire/tcp.ts";
import { FRAME_HEADER_LENGTH, GSO_NONE, writeFrameHeader } from "../../src/wire/virtio.ts";

const packet = newIpPacket();

/** Whether the frame holds a TCP segment over IPv4 with payload. */
export function isData(frame: Uint8Array, length: number): boolean {
  if (parseIpv4(frame, FRAME_HEADER_LENGTH, length, packet) !== undefined) return false;
  const headerLength = (frame[packet.payloadAt + 12] >>> 4) * 4;
  return packet.protocol === PROTOCOL_TCP && packet.payloadEnd > packet.payloadAt + headerLength;
}

/** Answers a SYN with a SYN-ACK that allows 65,535 bytes; false when the frame is no SYN. */
export function answerSyn(device: Device, frame: Uint8Array, length: number): boolean {
  if (parseIpv4(frame, FRAME_HEADER_LENGTH, length, packet) !== undefined) return false;
  const { payloadAt: tcp, sourceAt, destinationAt } = packet;
  if (packet.protocol !== PROTOCOL_TCP || frame[tcp + 13] !== SYN) return false;
  const answer = new Uint8Array(FRAME_HEADER_LENGTH + IPV4_HEADER_LENGTH + TCP_HEADER_LENGTH + 4);
  const at = FRAME_HEADER_LENGTH + IPV4_HEADER_LENGTH;
  writeIpv4Header(
    answer,
    FRAME_HEADER_LENGTH,
    frame.subarray(destinationAt, destinationAt + 4),
    frame.subarray(sourceAt, sourceAt + 4),
    PROTOCOL_TCP,
    answer.length - at,
    64,
  );
  setU16(answer, at, getU16(frame, tcp + 2));
  setU16(answer, at + 2, getU16(frame, tcp));
  setU32(answer, at + 4, 1);
  setU32(answer, at + 8, getU32(frame, tcp + 4) + 1);
  answer[at + 12] = (TCP_HEADER_LENGTH + 4) << 2;
  answer[at + 13] = SYN | ACK;
  setU16(answer, at + 14, 0xffff);
  setU32(answer, at + TCP_HEADER_LENGTH, 0x02040000 | device.mtu - 40); // MSS
  const addresses = FRAME_HEADER_LENGTH + 12;
  const size = answer.length - at;
  const pseudo = pseudoHeaderSum(answer, addresses, addresses + 4, 4, PROTOCOL_TCP, size);
  setU16(answer, at + TCP_CHECKSUM_OFFSET, pseudo);
  if (device.offload) {
    writeFrameHeader(answer, GSO_NONE, 0, 0, IPV4_HEADER_LENGTH, TCP_CHECKSUM_OFFSET);
  } else {
    setU16(answer, at + TCP_CHECKSUM_OFFSET, ~checksum(answer, at, answer.length));
  }
  device.writeFrame(answer, answer.length);
  return true;
}
