/**
 * One wait for all sockets: an `epoll` that a thread sleeps in while nothing comes. While datagrams keep coming nobody sleeps, and the
 * event loop gets a turn between batches.
 *
 * @module
 */

import { getU32, setU32 } from "../bytes.ts";
import {
  EFD_NONBLOCK,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLLIN,
  libc,
  systemError,
} from "./libc.ts";

/** `struct epoll_event` is packed on x86-64 and aligned elsewhere. */
const EVENT_BYTES = Deno.build.arch === "x86_64" ? 12 : 16;
const EVENT_DATA = EVENT_BYTES - 8;

/** Sockets looked at in one turn; the others come in the next. */
const MAX_EVENTS = 64;

const FOREVER = -1;

/** Descriptors that are watched for something to read. */
export class Poller {
  readonly #libc = libc();
  readonly #epoll: number;
  readonly #alarm: number;
  readonly #ready = new Map<number, () => void>();
  readonly #events = new Uint8Array(MAX_EVENTS * EVENT_BYTES);
  #isRunning = false;
  /** The sleep of the thread, while it sleeps. */
  #sleep: Promise<number> | undefined;

  /** Opens two descriptors and keeps them for the life of the program. */
  constructor() {
    this.#epoll = this.#libc.epoll_create1(EPOLL_CLOEXEC);
    this.#alarm = this.#libc.eventfd(0, EPOLL_CLOEXEC | EFD_NONBLOCK);
    if (this.#epoll < 0 || this.#alarm < 0) throw systemError("watch sockets");
    this.#control(EPOLL_CTL_ADD, this.#alarm);
  }

  /** Calls `onReady` whenever `descriptor` has something to read, or an error to tell. */
  add(descriptor: number, onReady: () => void): void {
    if (this.#control(EPOLL_CTL_ADD, descriptor) < 0) throw systemError("watch a socket");
    this.#ready.set(descriptor, onReady);
    if (!this.#isRunning) void this.#run();
  }

  /** Forgets a descriptor, before it is closed. Settles once no thread waits for what nobody wants. */
  async remove(descriptor: number): Promise<void> {
    this.#control(EPOLL_CTL_DEL, descriptor);
    this.#ready.delete(descriptor);
    if (this.#ready.size > 0 || this.#sleep === undefined) return;
    this.#libc.write(this.#alarm, new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]), 8);
    await this.#sleep;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#ready.size > 0) {
      let count = this.#libc.epoll_wait(this.#epoll, this.#events, MAX_EVENTS, 0);
      if (count === 0) {
        this.#sleep = this.#libc.epollWaitLong(this.#epoll, this.#events, MAX_EVENTS, FOREVER);
        count = await this.#sleep;
        this.#sleep = undefined;
      } else await new Promise((resolve) => setImmediate(resolve));
      for (let i = 0; i < count; i++) this.#wake(i * EVENT_BYTES + EVENT_DATA);
    }
    this.#isRunning = false;
  }

  #wake(at: number): void {
    const descriptor = getU32(this.#events, at);
    if (descriptor === this.#alarm) this.#libc.read(this.#alarm, new Uint8Array(8), 8);
    else this.#ready.get(descriptor)?.();
  }

  #control(operation: number, descriptor: number): number {
    const event = new Uint8Array(EVENT_BYTES);
    event[0] = EPOLLIN;
    setU32(event, EVENT_DATA, descriptor); // nobody but us reads it, so its order of bytes is ours
    return this.#libc.epoll_ctl(this.#epoll, operation, descriptor, event);
  }
}
