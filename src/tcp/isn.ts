/**
 * Initial sequence numbers that nobody outside can guess (RFC 6528): a clock of 4 microseconds plus SipHash-2-4 of
 * the 5-tuple under a secret.
 *
 * @module
 */

/** The two halves of a 64-bit word, low first, as in `v0 = [low, high]`. */
type Word = [number, number];

function add(a: Word, b: Word): void {
  const low = (a[0] >>> 0) + (b[0] >>> 0);
  a[1] = (a[1] + b[1] + (low > 0xffffffff ? 1 : 0)) | 0;
  a[0] = low | 0;
}

/** `a = (a <<< bits) ^ b`, for 0 < bits < 32. */
function rotateXor(a: Word, bits: number, b: Word): void {
  const [low, high] = a;
  a[0] = ((low << bits) | (high >>> (32 - bits))) ^ b[0];
  a[1] = ((high << bits) | (low >>> (32 - bits))) ^ b[1];
}

function swap(a: Word): void {
  [a[0], a[1]] = [a[1], a[0]];
}

function round(v0: Word, v1: Word, v2: Word, v3: Word): void {
  add(v0, v1);
  rotateXor(v1, 13, v0);
  swap(v0);
  add(v2, v3);
  rotateXor(v3, 16, v2);
  add(v0, v3);
  rotateXor(v3, 21, v0);
  add(v2, v1);
  rotateXor(v1, 17, v2);
  swap(v2);
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

/** SipHash-2-4 of `message` under a `key` of 16 bytes: low and high 32 bits, unsigned. */
export function sipHash(key: Uint8Array, message: Uint8Array): [low: number, high: number] {
  const k0: Word = [wordAt(key, 0), wordAt(key, 4)];
  const k1: Word = [wordAt(key, 8), wordAt(key, 12)];
  const v0: Word = [k0[0] ^ 0x70736575, k0[1] ^ 0x736f6d65];
  const v1: Word = [k1[0] ^ 0x6e646f6d, k1[1] ^ 0x646f7261];
  const v2: Word = [k0[0] ^ 0x6e657261, k0[1] ^ 0x6c796765];
  const v3: Word = [k1[0] ^ 0x79746573, k1[1] ^ 0x74656462];
  // The message is padded with zeros to whole words, and its length stands in the very last byte.
  const padded = new Uint8Array((Math.floor(message.length / 8) + 1) * 8);
  padded.set(message);
  padded[padded.length - 1] = message.length;
  for (let at = 0; at < padded.length; at += 8) {
    const low = wordAt(padded, at);
    const high = wordAt(padded, at + 4);
    v3[0] ^= low;
    v3[1] ^= high;
    round(v0, v1, v2, v3);
    round(v0, v1, v2, v3);
    v0[0] ^= low;
    v0[1] ^= high;
  }
  v2[0] ^= 0xff;
  for (let i = 0; i < 4; i++) round(v0, v1, v2, v3);
  return [(v0[0] ^ v1[0] ^ v2[0] ^ v3[0]) >>> 0, (v0[1] ^ v1[1] ^ v2[1] ^ v3[1]) >>> 0];
}

/** The initial sequence number of a connection that opens at `now` (milliseconds). */
export function initialSequence(secret: Uint8Array, tuple: Uint8Array, now: number): number {
  return (Math.floor(now * 250) + sipHash(secret, tuple)[0]) >>> 0;
}

/** The offset of a connection's timestamp clock: the other half of the same hash. */
export function timestampOffset(secret: Uint8Array, tuple: Uint8Array): number {
  return sipHash(secret, tuple)[1];
}
