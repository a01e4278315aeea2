/**
 * An unmodified program without a kernel that speaks UDP over a pair of packet streams.
 *
 * @module
 */

import { datagramFrame, type NaiveDatagram, readFrame } from "./naive_udp.ts";
import { frameOf, readIcmp } from "./naive_ip.ts";
import type { PacketPair } from "./program.ts";

/** One end of a link; its packets are whole. */
export class UdpProgram implements AsyncDisposable {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(packets: PacketPair) {
    this.#writer = packets.writable.getWriter();
    this.#reader = packets.readable.getReader();
  }

  /** Sends a datagram. */
  async send(text: string, more: Partial<NaiveDatagram> = {}): Promise<void> {
    const data = new TextEncoder().encode(text);
    await this.#writer.write(datagramFrame({ data, ...more }).subarray(10));
  }

  /** The next datagram. */
  async hearsBytes(): Promise<Uint8Array> {
    const { value } = await this.#reader.read();
    return readFrame(frameOf(value!)).datagrams[0];
  }

  /** The next datagram as text, and whom it comes from. */
  async hearsFrom(): Promise<string> {
    const { value } = await this.#reader.read();
    const { source, sourcePort, destinationPort, datagrams } = readFrame(frameOf(value!));
    const text = new TextDecoder().decode(datagrams[0]);
    return `${text} < ${source.join(".")} ${sourcePort} at ${destinationPort}`;
  }

  /** The next datagram as text, or `icmp TYPE CODE`. */
  async hears(): Promise<string> {
    const { value } = await this.#reader.read();
    const packet = value!;
    if (packet[packet[0] >>> 4 === 4 ? 9 : 6] === 17) {
      return new TextDecoder().decode(readFrame(frameOf(packet)).datagrams[0]);
    }
    const { type, code } = readIcmp(packet);
    return `icmp ${type} ${code}`;
  }

  /** Lets go of the streams. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel().catch(() => {});
    await this.#writer.close().catch(() => {});
  }
}
