/**
 * Whether a silent connection lives: after a time without a byte a question, after a further time without a byte the verdict.
 *
 * Any byte counts as life, because behind a full upload the answer to a PING waits its turn.
 *
 * @module
 */

/** What is watched. */
export interface Watched {
  /** Grows with every byte received. */
  readonly received: () => number;
  /** Makes a living peer send something. */
  readonly ask: () => void;
  /** Called once, when it stays silent. */
  readonly dead: () => void;
}

/** After this part of the patience a living peer on any usual path has answered. */
const SUSPICIOUS = 4;

/** Watches one connection while it is in use; idle ones cost nothing. */
export class KeepAlive {
  readonly #watched: Watched;
  readonly #idleMs: number;
  readonly #waitMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #received = -1;
  #askedAt: number | undefined;

  /** Asks after `idleMs` of silence and gives up `waitMs` later. */
  constructor(watched: Watched, idleMs: number, waitMs: number) {
    this.#watched = watched;
    this.#idleMs = idleMs;
    this.#waitMs = waitMs;
  }

  /** Begins to watch, unless it does already. A connection that was idle before is asked at once. */
  start(): void {
    if (this.#timer !== undefined) return;
    if (this.#received === this.#watched.received()) this.#ask();
    else this.#rest();
  }

  /** Whether a question has waited so long that nobody should count on an answer. */
  get isSuspect(): boolean {
    if (this.#askedAt === undefined || this.#watched.received() !== this.#received) return false;
    return performance.now() - this.#askedAt > this.#waitMs / SUSPICIOUS;
  }

  /** Asks at once, because there is reason to doubt. */
  askNow(): void {
    if (this.#timer === undefined || this.#askedAt !== undefined) return;
    clearTimeout(this.#timer);
    this.#received = this.#watched.received();
    this.#ask();
  }

  /** Stops watching. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#askedAt = undefined;
  }

  #rest(): void {
    this.#askedAt = undefined;
    this.#received = this.#watched.received();
    this.#timer = setTimeout(() => {
      if (this.#watched.received() === this.#received) this.#ask();
      else this.#rest();
    }, this.#idleMs);
  }

  #ask(): void {
    this.#askedAt = performance.now();
    this.#watched.ask();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#watched.received() === this.#received) this.#watched.dead();
      else this.#rest();
    }, this.#waitMs);
  }
}
