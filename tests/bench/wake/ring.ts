/**
 * A ring of frames in shared memory, filled by a Worker that blocks in `poll` and `read`, and emptied where the work is done.
 *
 * @module
 */

/** Room for the frames of one batch of the longest. */
export const RING_BYTES = 4 * 1024 * 1024;
/** A frame has its length in front, in four bytes, and starts at a multiple of them. */
export const LENGTH_BYTES = 4;
/** In place of a length: the rest up to the end of the memory holds nothing. */
export const WRAPPED = -1;

/** Counters that both sides share. Positions only grow; the place is their remainder by the size. */
export const STATE = { written: 0, taken: 1, sleeping: 2, over: 3 } as const;

/** The memory of a ring. */
export interface RingMemory {
  readonly state: Int32Array<SharedArrayBuffer>;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

/** The side that takes. */
export interface Ring {
  /** Hands the next frame over in place; false when there is none. */
  take(take: (frame: Uint8Array) => void): boolean;
  /** Settles as soon as there is a frame. */
  wait(): Promise<unknown>;
  close(): void;
}

/** Starts the Worker that fills a ring from `fd`. */
export async function openRing(fd: number): Promise<Ring> {
  const memory: RingMemory = {
    state: new Int32Array(new SharedArrayBuffer(16)),
    bytes: new Uint8Array(new SharedArrayBuffer(RING_BYTES)),
  };
  const { state, bytes } = memory;
  const lengths = new Int32Array(bytes.buffer);
  const worker = new Worker(new URL("ring_worker.ts", import.meta.url), { type: "module" });
  await new Promise<void>((resolve) => {
    worker.onmessage = () => resolve();
    worker.postMessage({ fd, memory });
  });
  let taken = 0;
  const isEmpty = () => Atomics.load(state, STATE.written) === taken;
  const free = (to: number) => {
    taken = to | 0;
    Atomics.store(state, STATE.taken, taken);
    Atomics.notify(state, STATE.taken);
  };
  return {
    take(take) {
      if (isEmpty()) return false;
      let at = (taken >>> 0) % RING_BYTES;
      if (lengths[at >> 2] === WRAPPED) {
        free(taken + RING_BYTES - at);
        at = 0;
      }
      const length = lengths[at >> 2];
      take(bytes.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + length));
      free(taken + placeFor(length));
      return true;
    },
    async wait() {
      Atomics.store(state, STATE.sleeping, 1);
      if (isEmpty()) await Atomics.waitAsync(state, STATE.written, taken).value;
      Atomics.store(state, STATE.sleeping, 0);
    },
    close() {
      Atomics.store(state, STATE.over, 1);
      worker.terminate();
    },
  };
}

/** What a frame takes of the ring. */
export function placeFor(length: number): number {
  return LENGTH_BYTES + (length + 3 & ~3);
}
