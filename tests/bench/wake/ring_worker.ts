/**
 * The side of a ring that fills it.
 *
 * @module
 */

import { MAX_FRAME_LENGTH } from "../../../src/wire/virtio.ts";
import { c } from "./clock.ts";
import { LENGTH_BYTES, placeFor, RING_BYTES, type RingMemory, STATE, WRAPPED } from "./ring.ts";

const POLLIN = 1;
/** How often it is looked whether all is over. */
const POLL_MS = 100;

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<{ fd: number; memory: RingMemory }>) => void;
  postMessage(message: string): void;
};

scope.onmessage = ({ data: { fd, memory } }) => {
  scope.postMessage("filling");
  fill(fd, memory);
};

function fill(fd: number, { state, bytes }: RingMemory): void {
  const lengths = new Int32Array(bytes.buffer);
  // The kernel reads and writes the entry: descriptor, asked events, what happened.
  const entry = new DataView(new ArrayBuffer(8));
  entry.setInt32(0, fd, true);
  entry.setInt16(4, POLLIN, true);
  const polled = new Uint8Array(entry.buffer);
  let written = 0;
  const tell = (to: number) => {
    written = to | 0;
    Atomics.store(state, STATE.written, written);
    if (Atomics.load(state, STATE.sleeping) === 1) Atomics.notify(state, STATE.written);
  };
  while (Atomics.load(state, STATE.over) === 0) {
    let at = (written >>> 0) % RING_BYTES;
    const needed = placeFor(MAX_FRAME_LENGTH) +
      (RING_BYTES - at < placeFor(MAX_FRAME_LENGTH) ? RING_BYTES - at : 0);
    const taken = Atomics.load(state, STATE.taken);
    if (RING_BYTES - (written - taken | 0) < needed) {
      Atomics.wait(state, STATE.taken, taken, POLL_MS);
      continue;
    }
    if (RING_BYTES - at < placeFor(MAX_FRAME_LENGTH)) {
      lengths[at >> 2] = WRAPPED;
      written = written + RING_BYTES - at | 0;
      at = 0;
    }
    const room = bytes.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + MAX_FRAME_LENGTH);
    const length = c.read(fd, room as unknown as Uint8Array<ArrayBuffer>, MAX_FRAME_LENGTH);
    if (length <= 0) {
      c.poll(polled, 1, POLL_MS);
      continue;
    }
    lengths[at >> 2] = length;
    tell(written + placeFor(length));
  }
}
