/**
 * The Internet checksum (RFC 1071) over a buffer that is summed again and again, as the frame that packets are read into.
 *
 * Here stands the one piece of WebAssembly of this project: it adds sixteen bytes with one instruction, where JavaScript takes four. For
 * 1,480 bytes that is 60 ns in place of 300, for each packet that a device without offload hands over.
 *
 * @module
 */

import { checksumOfView, fold } from "./checksum.ts";

/** Adds the 16-bit words, in the order of the machine, of all whole blocks of 32 bytes from `start` to `end`. */
type AddBlocks = (start: number, end: number) => number;

/** What {@linkcode AddBlocks} takes at a time. */
const BLOCK_BYTES = 32;
/** From here on the call pays. */
const WORTH_A_CALL_BYTES = 128;
const PAGE_BYTES = 65_536;

/**
 * The module, assembled from the text beside it. Lanes of 32 bits do not overflow: the longest packet has 2,048 blocks, and all of its
 * words together stay below 2^31.
 */
const MODULE = `
  0061736d 01000000                 ;; magic, version
  01 07 01 60 02 7f 7f 01 7f        ;; type: (param $at i32) (param $end i32) (result i32)
  02 08 01 01 61 01 6d 02 00 02     ;; (import "a" "m" (memory 2))
  03 02 01 00                       ;; one function of that type
  07 07 01 03 73756d 00 00          ;; (export "sum")
  0a 5d 01 5b 01 02 7b              ;; its body: (local $a v128) (local $b v128)
  02 40 03 40                       ;; (block (loop
  20 00 41 20 6a 20 01 4b 0d 01     ;;   (br_if 1 (i32.gt_u (i32.add $at 32) $end))
  20 02 20 00 fd00 00 00 fd7f       ;;   $a += (i32x4.extadd_pairwise_i16x8_u (v128.load $at))
  fdae01 21 02
  20 03 20 00 fd00 00 10 fd7f       ;;   $b += (i32x4.extadd_pairwise_i16x8_u (v128.load offset=16 $at))
  fdae01 21 03
  20 00 41 20 6a 21 00 0c 00        ;;   $at += 32 (br 0)
  0b 0b                             ;; ))
  20 02 20 03 fdae01 21 02          ;; $a += $b
  20 02 fd1b 00 20 02 fd1b 01 6a    ;; lane 0 + lane 1
  20 02 fd1b 02 20 02 fd1b 03 6a    ;; lane 2 + lane 3
  6a 0b                             ;; their sum`;

/** A buffer, and the sums of its parts. */
export class Sums {
  readonly bytes: Uint8Array;
  /** The fields of what stands in it. */
  readonly view: DataView;
  readonly #addBlocks: AddBlocks | undefined;

  /** Sums over a buffer of somebody else's. */
  constructor(bytes: Uint8Array, addBlocks?: AddBlocks) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#addBlocks = addBlocks;
  }

  /** Makes a buffer of `length` bytes that is summed at full speed, where runtime and processor have what that takes. */
  static ofLength(length: number): Sums {
    try {
      const memory = new WebAssembly.Memory({
        initial: Math.max(2, Math.ceil(length / PAGE_BYTES)),
      });
      const code = Uint8Array.fromHex(MODULE.replaceAll(/;;.*|\s/g, ""));
      const imports = { a: { m: memory } };
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code), imports);
      return new Sums(new Uint8Array(memory.buffer, 0, length), exports.sum as AddBlocks);
    } catch {
      return new Sums(new Uint8Array(length)); // `--jitless`, or a processor without SSE4.1
    }
  }

  /** Whether these are the sums of that buffer. */
  isOf({ buffer, byteOffset, length }: Uint8Array): boolean {
    const { bytes } = this;
    return buffer === bytes.buffer && byteOffset === bytes.byteOffset && length === bytes.length;
  }

  /** The sum of `bytes[start..end)` on top of `initial`, as {@linkcode checksumOfView} has it. */
  sum(start: number, end: number, initial = 0): number {
    const length = end - start;
    if (this.#addBlocks === undefined || length < WORTH_A_CALL_BYTES) {
      return checksumOfView(this.view, start, end, initial);
    }
    const words = fold(this.#addBlocks(start, end));
    // The sum of swapped words is the swapped sum of the words (RFC 1071, section 2 (B)).
    const swapped = ((words & 0xff) << 8) | (words >>> 8);
    const rest = end - length % BLOCK_BYTES;
    return checksumOfView(this.view, rest, end, initial + swapped);
  }
}
