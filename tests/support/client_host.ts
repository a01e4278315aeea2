/**
 * A host on the program's side of a stack, for tests without a kernel: one active TCP endpoint that speaks frames.
 * It writes its own headers, so that an error in the stack's is seen from outside.
 *
 * @module
 */

import { concatBytes, getU16, setU16 } from "../../src/bytes.ts";
import { Endpoint } from "../../src/tcp/endpoint.ts";
import { newOutSegment, type TcpConfig } from "../../src/tcp/tcb.ts";
import { parseIp } from "../../src/wire/address.ts";
import { newSegment, parseTcp, writeTcpHeader } from "../../src/wire/tcp.ts";
import { writeTcpOptions } from "../../src/wire/tcp_options.ts";
import { FRAME_HEADER_LENGTH } from "../../src/wire/virtio.ts";

/** What a client may be told. */
export interface ClientOptions {
  readonly source?: string;
  readonly sourcePort?: number;
  readonly destination?: string;
  readonly destinationPort?: number;
  readonly iss?: number;
  readonly mtu?: number;
  readonly receiveBufferBytes?: number;
  readonly sendBufferBytes?: number;
}

/** The naive checksum: one word at a time. */
export function naiveChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

/** One connection, opened actively over IPv4 or IPv6. */
export class ClientHost {
  readonly endpoint: Endpoint;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly #out = newOutSegment();
  readonly #segment = newSegment();

  constructor(options: ClientOptions = {}, now = 0) {
    this.source = parseIp(options.source ?? "198.18.0.1")!;
    this.destination = parseIp(options.destination ?? "203.0.113.5")!;
    this.sourcePort = options.sourcePort ?? 40_000;
    this.destinationPort = options.destinationPort ?? 443;
    const headers = this.source.length === 4 ? 40 : 60;
    const config: TcpConfig = {
      mss: (options.mtu ?? 1500) - headers,
      defaultPeerMss: 536,
      receiveBufferBytes: options.receiveBufferBytes ?? 1 << 20,
      sendBufferBytes: options.sendBufferBytes ?? 1 << 20,
      maxPayloadBytes: 0,
      iss: options.iss ?? 1000,
      timestampOffset: 77,
    };
    this.endpoint = Endpoint.open(config, now);
  }

  /** Every frame that the client wants to send. */
  poll(now: number): Uint8Array[] {
    const frames: Uint8Array[] = [];
    while (this.endpoint.pollSegment(this.#out, now)) frames.push(this.#frame());
    return frames;
  }

  #frame(): Uint8Array {
    const out = this.#out;
    const tcp = new Uint8Array(60 + out.payloadLength);
    const optionsLength = writeTcpOptions(tcp, 20, out.options);
    const headerLength = 20 + optionsLength;
    const { seq, ack, flags, window } = out;
    writeTcpHeader(
      tcp,
      0,
      this.sourcePort,
      this.destinationPort,
      seq,
      ack,
      flags,
      window,
      headerLength,
    );
    this.endpoint.copyPayload(out, tcp, headerLength);
    return frameOf(
      this.source,
      this.destination,
      tcp.subarray(0, headerLength + out.payloadLength),
    );
  }

  /** Takes a frame from the stack; throws when it is not for this client or its checksum is wrong. */
  take(frame: Uint8Array, now: number): string | undefined {
    const packet = frame.subarray(FRAME_HEADER_LENGTH);
    const version = packet[0] >>> 4;
    const at = version === 4 ? 20 : 40;
    const pseudo = version === 4 ? packet.subarray(12, 20) : packet.subarray(8, 40);
    const tcp = packet.subarray(at);
    const length = new Uint8Array([0, 0, 0, 6, tcp.length >>> 8, tcp.length]);
    if (naiveChecksum(concatBytes([pseudo, length.subarray(2), tcp])) !== 0xffff) {
      throw new Error("The stack sent a wrong TCP checksum");
    }
    return this.receive(frame, now);
  }

  /** The same for a frame whose checksum the stack has left to the device. */
  receive(frame: Uint8Array, now: number): string | undefined {
    const packet = frame.subarray(FRAME_HEADER_LENGTH);
    const at = packet[0] >>> 4 === 4 ? 20 : 40;
    const bad = parseTcp(packet, at, packet.length, this.#segment);
    if (bad !== undefined) throw new Error(`The stack sent a bad segment: ${bad}`);
    return this.endpoint.handleSegment(this.#segment, packet, now);
  }
}

/** An IP packet around a TCP segment whose checksum field is 0, as a plain frame. */
export function frameOf(source: Uint8Array, destination: Uint8Array, tcp: Uint8Array): Uint8Array {
  const isV4 = source.length === 4;
  const ip = new Uint8Array(isV4 ? 20 : 40);
  if (isV4) {
    ip[0] = 0x45;
    setU16(ip, 2, 20 + tcp.length);
    ip[8] = 64;
    ip[9] = 6;
    ip.set(source, 12);
    ip.set(destination, 16);
    setU16(ip, 10, ~naiveChecksum(ip));
  } else {
    ip[0] = 0x60;
    setU16(ip, 4, tcp.length);
    ip[6] = 6;
    ip[7] = 64;
    ip.set(source, 8);
    ip.set(destination, 24);
  }
  const lengths = new Uint8Array([0, 6, tcp.length >>> 8, tcp.length]);
  const sum = naiveChecksum(concatBytes([source, destination, lengths, tcp]));
  setU16(tcp, 16, getU16(tcp, 16) + (~sum & 0xffff));
  return concatBytes([new Uint8Array(FRAME_HEADER_LENGTH), ip, tcp]);
}
