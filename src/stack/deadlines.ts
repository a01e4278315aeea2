/**
 * Which flow's deadline comes first: a heap that is corrected lazily. A deadline that moves back, as the one of every
 * retransmission timer does with every acknowledgment, costs nothing until the old one comes; idle flows stand nowhere.
 *
 * @module
 */

/** What has deadlines. */
export interface Scheduled {
  /** The deadline under which it stands in the heap; Infinity when it does not. */
  scheduledAt: number;
}

interface Item<E> {
  readonly deadline: number;
  readonly entry: E;
}

/** A binary heap of deadlines, the earliest on top. */
export class Deadlines<E extends Scheduled> {
  #heap: Item<E>[] = [];
  /** Items of entries that were forgotten. */
  #forgotten = 0;

  /** The earliest deadline that is known, possibly too early; Infinity when there is none. */
  next(): number {
    return this.#heap.length === 0 ? Infinity : this.#heap[0].deadline;
  }

  /** Makes sure that `entry` comes up no later than `deadline`. */
  schedule(entry: E, deadline: number): void {
    if (deadline >= entry.scheduledAt) return;
    entry.scheduledAt = deadline;
    this.#push({ deadline, entry });
  }

  /** Lets go of an entry that is over. Its item goes with others of its kind: when they are half of the heap, or when its time comes. */
  forget(entry: E): void {
    if (entry.scheduledAt === Infinity) return;
    entry.scheduledAt = Infinity;
    if (++this.#forgotten * 2 <= this.#heap.length) return;
    this.#heap = this.#heap.filter((item) => item.deadline === item.entry.scheduledAt);
    // What is sorted is a heap.
    this.#heap.sort((a, b) => a.deadline - b.deadline);
    this.#forgotten = 0;
  }

  /** Takes an entry whose deadline has come by `now`. The caller looks at its timers and schedules it again. */
  take(now: number): E | undefined {
    while (this.#heap.length > 0 && this.#heap[0].deadline <= now) {
      const { deadline, entry } = this.#pop();
      // An entry that was scheduled earlier since leaves its old item behind.
      if (deadline !== entry.scheduledAt) {
        if (entry.scheduledAt === Infinity) this.#forgotten--;
        continue;
      }
      entry.scheduledAt = Infinity;
      return entry;
    }
    return undefined;
  }

  #push(item: Item<E>): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent].deadline <= item.deadline) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = item;
  }

  #pop(): Item<E> {
    const heap = this.#heap;
    const top = heap[0];
    const item = heap.pop()!;
    const { length } = heap;
    for (let at = 0; length > 0;) {
      let child = 2 * at + 1;
      if (child + 1 < length && heap[child + 1].deadline < heap[child].deadline) child++;
      if (child >= length || heap[child].deadline >= item.deadline) {
        heap[at] = item;
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    return top;
  }
}
