/**
 * Segments that came before their turn (RFC 9293, section 3.4): kept as sorted pieces until the gap is filled.
 *
 * @module
 */

import { seqAdd, seqDiff, seqLess, seqLessEqual } from "../wire/seq.ts";
import { MAX_OUT_OF_ORDER_PIECES, PIECE_OVERHEAD_BYTES } from "./constants.ts";

interface Piece {
  readonly seq: number;
  readonly bytes: Uint8Array;
}

/** Pieces out of order, disjoint and sorted. Bytes that came first win: a later copy of the same numbers is trimmed. */
export class Assembler {
  #pieces: Piece[] = [];
  #bytes = 0;
  /** Where the segment that came last begins: its block is reported first (RFC 2018, section 4). */
  #latest = 0;

  /** Bytes kept. */
  get length(): number {
    return this.#bytes;
  }

  /** What they cost. */
  get heldBytes(): number {
    return this.#bytes + this.#pieces.length * PIECE_OVERHEAD_BYTES;
  }

  /** Keeps a copy of `bytes[start..end)`, whose first byte is `seq`. False when the table is full and some of it was dropped. */
  insert(seq: number, bytes: Uint8Array, start: number, end: number): boolean {
    this.#latest = seq;
    const stop = seqAdd(seq, end - start);
    let at = this.#find(seq);
    let next = seq;
    while (seqLess(next, stop)) {
      const following = this.#pieces[at];
      const overlaps = following !== undefined && seqLess(following.seq, stop);
      const limit = overlaps ? following.seq : stop;
      if (seqLess(next, limit)) {
        if (this.#pieces.length >= MAX_OUT_OF_ORDER_PIECES) return false;
        const from = start + seqDiff(next, seq);
        const piece = { seq: next, bytes: bytes.slice(from, from + seqDiff(limit, next)) };
        this.#pieces.splice(at++, 0, piece);
        this.#bytes += piece.bytes.length;
      }
      if (!overlaps) break;
      next = pieceEnd(following);
      at++;
    }
    return true;
  }

  /** The first piece that ends behind `seq`. */
  #find(seq: number): number {
    let low = 0;
    let high = this.#pieces.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (seqLessEqual(pieceEnd(this.#pieces[middle]), seq)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Takes the bytes that follow `seq` without a gap; undefined when there is one. Old bytes are trimmed away. */
  take(seq: number): Uint8Array | undefined {
    while (this.#pieces.length > 0 && seqLessEqual(this.#pieces[0].seq, seq)) {
      const piece = this.#pieces.shift()!;
      this.#bytes -= piece.bytes.length;
      const old = seqDiff(seq, piece.seq);
      if (old < piece.bytes.length) return piece.bytes.subarray(old);
    }
    return undefined;
  }

  /** Forgets everything. */
  clear(): void {
    this.#pieces.length = 0;
    this.#bytes = 0;
  }

  /** Writes up to `limit` blocks to `edges`, the one of the latest segment first; returns how many. */
  blocks(edges: Uint32Array, limit: number): number {
    let count = 0;
    for (let i = 0; i < this.#pieces.length;) {
      const left = this.#pieces[i].seq;
      let right = pieceEnd(this.#pieces[i++]);
      while (i < this.#pieces.length && this.#pieces[i].seq === right) {
        right = pieceEnd(this.#pieces[i++]);
      }
      const isLatest = seqLessEqual(left, this.#latest) && seqLess(this.#latest, right);
      const slot = Math.min(count, limit - 1);
      if (isLatest) {
        edges[2 * slot] = edges[0];
        edges[2 * slot + 1] = edges[1];
        edges[0] = left;
        edges[1] = right;
        count = slot + 1;
      } else if (count < limit) {
        edges[2 * slot] = left;
        edges[2 * slot + 1] = right;
        count++;
      }
    }
    return count;
  }
}

function pieceEnd(piece: Piece): number {
  return seqAdd(piece.seq, piece.bytes.length);
}
