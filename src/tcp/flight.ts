/**
 * What is on its way: a record for each transmission between SND.UNA and SND.NXT, with the time it left (RFC 8985, section 5.2), and
 * what the peer has reported of it (RFC 2018). Records are numbers in three arrays, never objects; a super-packet is one record,
 * cut where only a part of it was acknowledged, reported or lost. Neighbours that are reported become one.
 *
 * @module
 */

import { seqAdd, seqDiff, seqLess, seqLessEqual } from "../wire/seq.ts";
import { MAX_FLIGHT_RECORDS } from "./constants.ts";

/** The peer has reported it. */
const REPORTED = 1;
/** It counts as lost and has not left again. */
const LOST = 2;
/** It has left more than once. */
const REPEATED = 4;

/** The first records of a flow: a request or an answer needs no more. */
const FIRST_CAPACITY = 8;

/** The arrays of all flows with nothing on its way. */
const NO_ENDS = new Uint32Array(0);
const NO_TIMES = new Float64Array(0);
const NO_MARKS = new Uint8Array(0);

/** Who hears of each record that the peer turns out to have. `end` is the number behind it. */
export interface Deliveries {
  delivered(end: number, sentAt: number, wasRepeated: boolean): void;
}

/** The records of one endpoint, in the order of their numbers and without a gap. */
export class Flight {
  #ends = NO_ENDS;
  #sentAt = NO_TIMES;
  #marks = NO_MARKS;
  /** Records stand in `[head, tail)` of the arrays. */
  #head = 0;
  #tail = 0;
  /** Where the first record begins. */
  #start = 0;
  #lostBytes = 0;
  #reportedBytes = 0;
  /** No record before this one is lost. */
  #firstLost = 0;
  /** When the latest repetition left that got lost as well. */
  lostAgainAt = -Infinity;

  /** Records in use. */
  get length(): number {
    return this.#tail - this.#head;
  }

  /** Bytes that are lost and have not left again. */
  get lostBytes(): number {
    return this.#lostBytes;
  }

  /** Bytes that the peer reported. */
  get reportedBytes(): number {
    return this.#reportedBytes;
  }

  /** Whether the peer says that it lacks what it has reported before: it has thrown it away (RFC 2018, section 8). */
  get isReneged(): boolean {
    return this.#head < this.#tail && (this.#marks[this.#head] & REPORTED) !== 0;
  }

  /** Forgets everything; the next record begins at `start`. */
  restart(start: number): void {
    this.#start = start;
    this.#head =
      this.#tail =
      this.#firstLost =
      this.#lostBytes =
      this.#reportedBytes =
        0;
    this.#ends = NO_ENDS;
    this.#sentAt = NO_TIMES;
    this.#marks = NO_MARKS;
  }

  /** New numbers up to `end` leave. */
  send(end: number, now: number): void {
    this.#reserve(1);
    this.#insert(this.#tail, end, now, 0);
  }

  /** `[from, to)` leaves again. */
  repeat(from: number, to: number, now: number): void {
    this.#reserve(2);
    const first = this.#cut(from);
    const stop = this.#cut(to);
    for (let i = first; i < stop; i++) {
      if ((this.#marks[i] & LOST) !== 0) this.#lostBytes -= this.#bytes(i);
      this.#marks[i] = (this.#marks[i] & REPORTED) | REPEATED;
      this.#sentAt[i] = now;
    }
  }

  /** Everything before `una` arrived; what was not reported before is told to `deliveries`, in order. */
  acknowledge(una: number, deliveries: Deliveries): void {
    while (this.#head < this.#tail && seqLess(this.#start, una)) {
      const i = this.#head;
      const isWhole = seqLessEqual(this.#ends[i], una);
      const end = isWhole ? this.#ends[i] : una;
      const bytes = seqDiff(end, this.#start);
      const marks = this.#marks[i];
      if ((marks & REPORTED) !== 0) this.#reportedBytes -= bytes;
      else deliveries.delivered(end, this.#sentAt[i], (marks & REPEATED) !== 0);
      if ((marks & LOST) !== 0) this.#lostBytes -= bytes;
      this.#start = end;
      if (isWhole) this.#head++;
    }
    if (this.#head === this.#tail) this.restart(una);
  }

  /** The peer reports `[from, to)`, which lies within what is on its way; returns how many bytes of it are news. */
  report(from: number, to: number, deliveries: Deliveries): number {
    const at = this.#find(from);
    const isKnown = (this.#marks[at] & REPORTED) !== 0 && seqLessEqual(to, this.#ends[at]);
    if (isKnown || this.length >= MAX_FLIGHT_RECORDS) return 0;
    this.#reserve(2);
    const first = this.#cut(from);
    const stop = this.#cut(to);
    let news = 0;
    for (let i = first; i < stop; i++) {
      const marks = this.#marks[i];
      if ((marks & REPORTED) !== 0) continue;
      const bytes = this.#bytes(i);
      if ((marks & LOST) !== 0) this.#lostBytes -= bytes;
      news += bytes;
      deliveries.delivered(this.#ends[i], this.#sentAt[i], (marks & REPEATED) !== 0);
    }
    this.#reportedBytes += news;
    this.#join(first, stop);
    return news;
  }

  /** Makes one reported record of `[first, stop)` and of reported neighbours. */
  #join(first: number, stop: number): void {
    if (first > this.#head && (this.#marks[first - 1] & REPORTED) !== 0) first--;
    if (stop < this.#tail && (this.#marks[stop] & REPORTED) !== 0) stop++;
    this.#ends[first] = this.#ends[stop - 1];
    this.#marks[first] = REPORTED;
    for (const array of [this.#ends, this.#sentAt, this.#marks]) {
      array.copyWithin(first + 1, stop, this.#tail);
    }
    this.#tail -= stop - first - 1;
    this.#firstLost = Math.min(this.#firstLost, first);
  }

  /** What was reported counts as on its way again: the peer may have thrown it away. */
  forgetReports(): void {
    for (let i = this.#head; i < this.#tail; i++) {
      // When it left is not known any more.
      if ((this.#marks[i] & REPORTED) !== 0) this.#marks[i] = REPEATED;
    }
    this.#reportedBytes = 0;
  }

  /** `[from, to)` is lost but for what was reported. */
  lose(from: number, to: number): void {
    this.#reserve(2);
    const first = this.#cut(from);
    const stop = this.#cut(to);
    for (let i = first; i < stop; i++) this.#lose(i);
  }

  /** The first record is lost, or so much of it. */
  loseFirst(maxBytes: number): void {
    this.#reserve(1);
    if (this.#bytes(this.#head) > maxBytes) this.#cut(seqAdd(this.#start, maxBytes));
    this.#lose(this.#head);
  }

  /** Nothing is lost after all. */
  forgive(): void {
    for (let i = this.#head; i < this.#tail; i++) this.#marks[i] &= ~LOST;
    this.#lostBytes = 0;
  }

  /**
   * Of the records that left before another one did, the one up to `end` at `sentAt`, those are lost that left `slackMs` ago. Returns when
   * the last of the others left, which may get lost later; -1 when there is none.
   */
  loseBefore(sentAt: number, end: number, slackMs: number, now: number): number {
    let waiting = -1;
    for (let i = this.#head; i < this.#tail; i++) {
      const marks = this.#marks[i];
      if ((marks & REPORTED) !== 0) continue;
      const at = this.#sentAt[i];
      if (at < sentAt || (at === sentAt && seqLess(this.#ends[i], end))) {
        if (at + slackMs <= now) {
          if ((marks & (REPEATED | LOST)) === REPEATED) {
            this.lostAgainAt = Math.max(this.lostAgainAt, at);
          }
          this.#lose(i);
        } else waiting = Math.max(waiting, at);
      } else if ((marks & REPEATED) === 0) {
        // First transmissions stand in the order of time: those behind left later.
        break;
      }
    }
    return waiting;
  }

  /** The first number that is lost and has not left again; only where `lostBytes` says that there is one. */
  lostFrom(): number {
    this.#firstLost = Math.max(this.#firstLost, this.#head);
    while ((this.#marks[this.#firstLost] & LOST) === 0) this.#firstLost++;
    return this.#startOf(this.#firstLost);
  }

  /** Where what is lost from `lostFrom()` on ends. */
  lostEnd(): number {
    let i = this.#firstLost;
    while (i + 1 < this.#tail && (this.#marks[i + 1] & LOST) !== 0) i++;
    return this.#ends[i];
  }

  #lose(i: number): void {
    if ((this.#marks[i] & (REPORTED | LOST)) !== 0) return;
    this.#marks[i] |= LOST;
    this.#lostBytes += this.#bytes(i);
    this.#firstLost = Math.min(this.#firstLost, i);
  }

  #startOf(i: number): number {
    return i === this.#head ? this.#start : this.#ends[i - 1];
  }

  #bytes(i: number): number {
    return seqDiff(this.#ends[i], this.#startOf(i));
  }

  /** The record that holds `seq`; the tail when it lies behind all. */
  #find(seq: number): number {
    let low = this.#head;
    let high = this.#tail;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (seqLess(seq, this.#ends[middle])) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The record that begins at `seq`, after another one was cut there when need be. */
  #cut(seq: number): number {
    const i = this.#find(seq);
    if (i === this.#tail || !seqLess(this.#startOf(i), seq)) return i;
    this.#insert(i, seq, this.#sentAt[i], this.#marks[i]);
    return this.#find(seq);
  }

  #insert(i: number, end: number, sentAt: number, marks: number): void {
    for (const array of [this.#ends, this.#sentAt, this.#marks]) {
      if (i < this.#tail) array.copyWithin(i + 1, i, this.#tail);
    }
    this.#ends[i] = end;
    this.#sentAt[i] = sentAt;
    this.#marks[i] = marks;
    this.#tail++;
    if (this.#firstLost > i) this.#firstLost++;
  }

  /** Makes room for so many records more. It moves the others, so it stands before any index. */
  #reserve(count: number): void {
    const capacity = this.#ends.length;
    if (this.#tail + count <= capacity) return;
    const isFull = (this.length + count) * 2 > capacity;
    this.#resize(isFull ? Math.max(2 * capacity, FIRST_CAPACITY) : capacity);
  }

  /** Moves the records to the front of arrays of that capacity. */
  #resize(capacity: number): void {
    const { length } = this;
    this.#ends = moved(this.#ends, new Uint32Array(capacity), this.#head, this.#tail);
    this.#sentAt = moved(this.#sentAt, new Float64Array(capacity), this.#head, this.#tail);
    this.#marks = moved(this.#marks, new Uint8Array(capacity), this.#head, this.#tail);
    this.#firstLost = Math.max(this.#firstLost - this.#head, 0);
    this.#head = 0;
    this.#tail = length;
  }
}

function moved<T extends Uint32Array | Float64Array | Uint8Array>(
  from: T,
  to: T,
  head: number,
  tail: number,
): T {
  to.set(from.subarray(head, tail));
  return to;
}
