/**
 * Waits for a frame with a `poll` on a thread of Deno's pool: the way that always works.
 *
 * @module
 */

import { type Libc, O_CLOEXEC, O_NONBLOCK, POLLIN } from "./ffi.ts";

/** Two entries of `struct pollfd` (poll(2)): descriptor, asked events, what happened. */
const POLL_ENTRY_LENGTH = 8;
const POLL_ENTRIES = 2;
const POLL_EVENTS = 4;
const POLL_RESULT = 6;
const FOREVER = -1;
/** A counter that an eventfd(2) adds to is eight bytes. */
const ONE = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);

/** One waiter at a time for one descriptor, which stays its owner's. */
export class ThreadWait {
  readonly #libc: Libc;
  readonly #wakeFd: number;
  readonly #entries = new Uint8Array(POLL_ENTRY_LENGTH * POLL_ENTRIES);
  readonly #view = new DataView(this.#entries.buffer);
  #waiting: Promise<boolean> | undefined;
  #isClosed = false;

  /** Undefined when the kernel gives no eventfd; `libc.errno()` then says why. */
  static open(libc: Libc, fd: number): ThreadWait | undefined {
    const wakeFd = libc.eventfd(0, O_CLOEXEC | O_NONBLOCK);
    return wakeFd < 0 ? undefined : new ThreadWait(libc, fd, wakeFd);
  }

  /** Made by {@linkcode ThreadWait.open}. */
  constructor(libc: Libc, fd: number, wakeFd: number) {
    this.#libc = libc;
    this.#wakeFd = wakeFd;
    [fd, wakeFd].forEach((waitedFor, i) => {
      this.#view.setInt32(i * POLL_ENTRY_LENGTH, waitedFor, true);
      this.#view.setInt16(i * POLL_ENTRY_LENGTH + POLL_EVENTS, POLLIN, true);
    });
  }

  /** Settles with true as soon as there is something to read, with false after `close` or when the kernel has removed the device. */
  wait(): Promise<boolean> {
    return this.#waiting ??= this.#poll();
  }

  async #poll(): Promise<boolean> {
    try {
      let ready = 0;
      // The error number of a call on another thread is out of reach; what remains here is EINTR.
      do {
        ready = await this.#libc.poll(this.#entries, POLL_ENTRIES, FOREVER);
      } while (ready < 0 && !this.#isClosed);
      return !this.#isClosed && (this.#view.getInt16(POLL_RESULT, true) & POLLIN) !== 0;
    } finally {
      this.#waiting = undefined;
    }
  }

  /** Ends a wait. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#waiting !== undefined) {
      this.#libc.write(this.#wakeFd, ONE, ONE.length);
      await this.#waiting;
    }
    this.#libc.close(this.#wakeFd);
  }
}
