/**
 * The origin's end of a UDP tunnel in the hands of a test: datagrams over the bytes of a {@linkcode FarSide}, by a codec that shares nothing
 * with the one under test.
 *
 * @module
 */

import { concatBytes } from "../../src/bytes.ts";
import type { FarSide } from "./far_side.ts";

/** Datagrams in, datagrams out. */
export interface DatagramSide {
  /** The next datagram; `null` after the other side's end. Rejects when the tunnel was reset. */
  read(): Promise<Uint8Array<ArrayBuffer> | null>;
  write(payload: Uint8Array): Promise<void>;
  end(): Promise<void>;
  reset(): void;
}

/** What an origin does with a UDP tunnel. */
export type DatagramOrigin = (side: DatagramSide) => Promise<void>;

/** Sends back what comes, and ends when the other side has. */
export const echoDatagrams: DatagramOrigin = async (side) => {
  for (let payload; (payload = await side.read()) !== null;) await side.write(payload);
  await side.end();
};

/** A variable-length integer by way of its text in binary. */
export function naiveVarint(value: number): number[] {
  const length = value < 64 ? 1 : value < 16384 ? 2 : value < 2 ** 30 ? 4 : 8;
  const prefix = { 1: "00", 2: "01", 4: "10", 8: "11" }[length];
  const bits = prefix + value.toString(2).padStart(length * 8 - 2, "0");
  return Array.from({ length }, (_, i) => parseInt(bits.slice(i * 8, i * 8 + 8), 2));
}

/** A capsule. */
export function naiveCapsule(type: number, value: Iterable<number>): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(value);
  const header = Uint8Array.from([...naiveVarint(type), ...naiveVarint(bytes.length)]);
  return concatBytes([header, bytes]);
}

/** Datagrams in DATAGRAM capsules with context 0, or in chunks of draft 03 without one. */
export function datagramSide(far: FarSide, context: readonly number[] = [0]): DatagramSide {
  let rest: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  const take = (): { type: number; value: Uint8Array<ArrayBuffer> } | undefined => {
    let at = 0;
    const varint = () => {
      const length = 2 ** (rest[at] >> 6);
      let value = rest[at] & 63;
      for (let i = 1; i < length; i++) value = value * 256 + rest[at + i];
      at += length;
      return at <= rest.length ? value : NaN;
    };
    const [type, length] = [varint(), varint()];
    if (!(at + length <= rest.length)) return undefined;
    const value = rest.slice(at, at + length);
    rest = rest.slice(at + length);
    return { type, value };
  };
  return {
    async read() {
      for (;;) {
        const capsule = take();
        if (capsule?.type === 0) return capsule.value.slice(context.length);
        if (capsule !== undefined) continue;
        const bytes = await far.read();
        if (bytes === null) return null;
        rest = concatBytes([rest, bytes]);
      }
    },
    write: (payload) =>
      far.write(naiveCapsule(0, concatBytes([Uint8Array.from(context), payload]))),
    end: () => far.end(),
    reset: () => far.reset(),
  };
}
