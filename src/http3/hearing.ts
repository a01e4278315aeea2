/**
 * Whether anything comes from the other side. The runtime tells nothing of a QUIC connection's acknowledgments, so what counts is what it hands over:
 * bytes of any stream, and datagrams.
 *
 * @module
 */

/** What has been heard on one connection. */
export class Hearing {
  #count = 0;
  #isOver = false;
  #next: PromiseWithResolvers<boolean> | undefined;

  /** Grows with everything that comes. */
  get count(): number {
    return this.#count;
  }

  /** Something came. */
  hear(): void {
    this.#count++;
    this.#settle(true);
  }

  /** The connection is over. */
  end(): void {
    this.#isOver = true;
    this.#settle(false);
  }

  /** Settles with true when something comes, and with false when the connection ends before. */
  next(): Promise<boolean> {
    if (this.#isOver) return Promise.resolve(false);
    return (this.#next ??= Promise.withResolvers()).promise;
  }

  #settle(heard: boolean): void {
    this.#next?.resolve(heard);
    this.#next = undefined;
  }
}
