/**
 * Three ways to be woken by a device, behind one small interface.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { F_DUPFD_CLOEXEC, libc } from "../../../src/tun/ffi.ts";
import { LoopWait } from "../../../src/tun/loop_wait.ts";
import { ThreadWait } from "../../../src/tun/thread_wait.ts";
import { MAX_FRAME_LENGTH } from "../../../src/wire/virtio.ts";
import { openRing, type Ring } from "./ring.ts";

/** Frames taken before the event loop has its turn, as in `src/flow/pump.ts`. */
const BATCH_FRAMES = 32;

/** Takes one frame, which is valid until it returns. */
export type TakeFrame = (frame: Uint8Array) => void;

/** A way to be woken. */
export interface Way {
  readonly name: string;
  /** Takes frames of `fd` until `isOver`, which somebody must send one more frame to notice. */
  run(fd: number, take: TakeFrame, isOver: () => boolean): Promise<void>;
}

/** All three. */
export const WAYS: readonly Way[] = [
  { name: "the event loop's own watch", run: onLoop },
  { name: "a `poll` on another thread", run: onThread },
  { name: "a Worker that fills a ring", run: onRing },
];

async function onLoop(fd: number, take: TakeFrame, isOver: () => boolean): Promise<void> {
  const wait = LoopWait.open(duplicate(fd), MAX_FRAME_LENGTH)!;
  const buffer = new Uint8Array(MAX_FRAME_LENGTH);
  const next = () => wait.take(buffer) || libc().read(fd, buffer, buffer.length);
  await inBatches(buffer, next, take, isOver, () => wait.wait());
  await wait.close();
}

async function onThread(fd: number, take: TakeFrame, isOver: () => boolean): Promise<void> {
  const wait = ThreadWait.open(libc(), fd)!;
  const buffer = new Uint8Array(MAX_FRAME_LENGTH);
  const next = () => libc().read(fd, buffer, buffer.length);
  await inBatches(buffer, next, take, isOver, () => wait.wait());
  await wait.close();
}

/** Descriptors of one device share its queue. */
function duplicate(fd: number): number {
  return libc().fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

async function inBatches(
  buffer: Uint8Array,
  next: () => number,
  take: TakeFrame,
  isOver: () => boolean,
  wait: () => Promise<unknown>,
): Promise<void> {
  while (!isOver()) {
    let count = 0;
    for (let length; count < BATCH_FRAMES && (length = next()) > 0; count++) {
      take(buffer.subarray(0, length));
    }
    await (count > 0 ? turn() : wait());
  }
}

async function onRing(fd: number, take: TakeFrame, isOver: () => boolean): Promise<void> {
  const ring: Ring = await openRing(fd);
  while (!isOver()) {
    let count = 0;
    while (count < BATCH_FRAMES && ring.take(take)) count++;
    await (count > 0 ? turn() : ring.wait());
  }
  ring.close();
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
