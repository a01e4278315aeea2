/**
 * From a segment to a frame: IP and TCP headers, the payload copied in once, and the checksum, whole or left to the device.
 *
 * @module
 */

import { setU16 } from "../bytes.ts";
import type { TcpSettings } from "../tcp/settings.ts";
import type { OutSegment } from "../tcp/tcb.ts";
import { checksum, fold } from "../wire/checksum.ts";
import { PROTOCOL_TCP } from "../wire/ip.ts";
import { TCP_CHECKSUM_OFFSET, TCP_HEADER_LENGTH, writeTcpHeader } from "../wire/tcp.ts";
import { writeTcpOptions } from "../wire/tcp_options.ts";
import {
  clearFrameHeader,
  FRAME_HEADER_LENGTH,
  GSO_TCPV4,
  GSO_TCPV6,
  writeFrameHeader,
} from "../wire/virtio.ts";
import type { FlowEntry } from "./flow_table.ts";
import { ipHeaderLength, writeIpHeader } from "./reply_packets.ts";

/** Writes one segment of a flow, towards the program, as a frame; returns the frame's length. */
export function writeSegment(
  entry: FlowEntry,
  out: OutSegment,
  frame: Uint8Array,
  offload: boolean,
  settings?: TcpSettings,
): number {
  const { version, endpoint } = entry;
  const ipLength = ipHeaderLength(version);
  const tcpAt = FRAME_HEADER_LENGTH + ipLength;
  const optionsLength = writeTcpOptions(frame, tcpAt + TCP_HEADER_LENGTH, out.options);
  const headerLength = TCP_HEADER_LENGTH + optionsLength;
  const length = headerLength + out.payloadLength;
  writeTcpHeader(
    frame,
    tcpAt,
    entry.destinationPort,
    entry.sourcePort,
    out.seq,
    out.ack,
    out.flags,
    out.window,
    headerLength,
  );
  endpoint.copyPayload(out, frame, tcpAt + headerLength);
  const { source, destination } = entry;
  const at = FRAME_HEADER_LENGTH;
  writeIpHeader(version, frame, at, destination, source, PROTOCOL_TCP, length, settings);
  const pseudoSum = fold(entry.pseudoSum + length);
  if (offload) {
    setU16(frame, tcpAt + TCP_CHECKSUM_OFFSET, pseudoSum);
    const type = version === 4 ? GSO_TCPV4 : GSO_TCPV6;
    const headers = ipLength + headerLength;
    writeFrameHeader(frame, type, out.segmentSize, headers, ipLength, TCP_CHECKSUM_OFFSET);
  } else {
    clearFrameHeader(frame);
    setU16(frame, tcpAt + TCP_CHECKSUM_OFFSET, ~checksum(frame, tcpAt, tcpAt + length, pseudoSum));
  }
  return tcpAt + length;
}

/** Writes a whole packet as a frame with nothing left to do. */
export function writePacket(packet: Uint8Array, frame: Uint8Array): number {
  clearFrameHeader(frame);
  frame.set(packet, FRAME_HEADER_LENGTH);
  return FRAME_HEADER_LENGTH + packet.length;
}
