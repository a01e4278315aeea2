/**
 * Waits for a frame on the event loop itself: the runtime watches the descriptor beside its sockets, reads the first frame as soon as it
 * is there, and no other thread takes part.
 *
 * The door to that is an undocumented one, the handle of `node:net`'s pipes, which takes any descriptor that can be polled. Where it
 * is shut, or anything about it goes wrong, {@linkcode LoopWait} says so and its owner waits with a thread. Beside that one it saves a
 * quarter of the processor time of a request and its answer, and a sixth of their delay (tests/bench/README.md).
 *
 * @module
 */

import net from "node:net";
import process from "node:process";

/** The part of `node:net`'s internal handle that is needed. */
interface PipeHandle {
  /** Takes a descriptor over; 0 for success. */
  open(fd: number): number;
}

/** The internal module that has it, the same as in Node.js (deprecated there as DEP0111, without a replacement for descriptors). */
interface PipeBinding {
  readonly Pipe: new (type: number) => PipeHandle;
  readonly constants: { readonly SOCKET: number };
}

/** One waiter at a time for the frames of one descriptor. */
export class LoopWait {
  readonly #socket: net.Socket;
  readonly #frame: Uint8Array<ArrayBuffer>;
  /** Bytes of the frame that ended the wait and that nobody has taken yet. */
  #length = 0;
  #wake: (() => void) | undefined;
  #isOver = false;

  /** Takes over `fd`, which must be non-blocking, and has room for frames of up to `maxLength` bytes. Undefined where that cannot be done; the descriptor is then still the caller's. */
  static open(fd: number, maxLength: number): LoopWait | undefined {
    try {
      const { Pipe, constants } = (process as unknown as { binding(name: string): PipeBinding })
        .binding("pipe_wrap");
      const handle = new Pipe(constants.SOCKET);
      return handle.open(fd) === 0 ? new LoopWait(handle, maxLength) : undefined;
    } catch {
      return undefined; // another version of the runtime, without this door
    }
  }

  /** Made by {@linkcode LoopWait.open}. */
  constructor(handle: PipeHandle, maxLength: number) {
    const buffer = this.#frame = new Uint8Array(maxLength);
    const onFrame = (length: number) => {
      this.#length = length;
      this.#settle();
      return false; // reads no further: the other frames are the owner's
    };
    // `handle` is what `net.Server` passes to the sockets that it makes.
    const options = { handle, writable: false, onread: { buffer, callback: onFrame } };
    this.#socket = new net.Socket(options as net.SocketConstructorOpts);
    this.#socket.on("error", () => {}); // `close` follows
    this.#socket.on("close", () => {
      this.#isOver = true;
      this.#settle();
    });
  }

  /** Settles with true as soon as a frame can be taken, with false once there is no waiting here any more. */
  async wait(): Promise<boolean> {
    if (this.#length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#socket.resume();
      });
    }
    return this.#length > 0;
  }

  /** Copies the frame that ended the wait to the start of `into` and returns its length; 0 when there is none. */
  take(into: Uint8Array): number {
    const length = this.#length;
    if (length === 0) return 0;
    this.#length = 0;
    into.set(this.#frame.subarray(0, length));
    return length;
  }

  /** Closes the descriptor. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isOver) return resolve();
      this.#socket.once("close", () => resolve());
      this.#socket.destroy();
    });
  }

  #settle(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
