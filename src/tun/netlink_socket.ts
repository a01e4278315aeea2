/**
 * A socket of rtnetlink (netlink(7)), which answers for the network namespace that it was made in.
 *
 * @module
 */

import { type Libc, libc, O_CLOEXEC, O_NONBLOCK } from "./ffi.ts";
import { answerOf, isFor, type NetlinkRequest, numbered } from "./netlink.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_ROUTE = 0;

/** One message of the kernel about one object; requests here are below 100 bytes, and an error message holds one. */
const ANSWER_LENGTH = 4096;

/** An error number in place of an answer. */
export interface Refused {
  readonly errno: number;
}

/** Asks the kernel, one question at a time. */
export class NetlinkSocket implements Disposable {
  readonly descriptor: number;
  readonly #libc: Libc = libc();
  #sequence = 0;

  /** Throws what `refused` makes of an error number when there is none to be had. */
  constructor(refused: (errno: number) => Error) {
    // Non-blocking: the kernel answers within the write, so an answer that is not there would never come.
    const kind = SOCK_RAW | O_CLOEXEC | O_NONBLOCK;
    this.descriptor = this.#libc.socket(AF_NETLINK, kind, NETLINK_ROUTE);
    if (this.descriptor < 0) throw refused(this.#libc.errno());
  }

  /** Carries out a request that has no answer but "done": 0, or the error number. */
  transact(message: NetlinkRequest): number {
    const answer = this.ask(message);
    return "errno" in answer ? answer.errno : 0;
  }

  /** The first message about this request, or the error number; 0 where the kernel says "done". */
  ask(message: NetlinkRequest): Uint8Array<ArrayBuffer> | Refused {
    const sequence = ++this.#sequence;
    const c = this.#libc;
    const written = c.write(this.descriptor, numbered(message, sequence), message.length);
    if (written < 0) return { errno: c.errno() };
    const answer = new Uint8Array(ANSWER_LENGTH);
    for (;;) {
      const length = c.read(this.descriptor, answer, answer.length);
      if (length < 0) return { errno: c.errno() };
      const bytes = answer.subarray(0, length);
      const errno = answerOf(bytes, sequence);
      if (errno !== undefined) return { errno };
      if (isFor(bytes, sequence)) return bytes;
    }
  }

  [Symbol.dispose](): void {
    this.#libc.close(this.descriptor);
  }
}
