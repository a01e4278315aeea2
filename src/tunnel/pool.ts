/**
 * Which HTTP/2 connection carries the next flow. A further one is opened before the last free stream is taken, because a
 * flow that finds no room waits for a whole handshake.
 *
 * @module
 */

/** A connection with room for a number of flows. */
export interface PoolMember {
  /** Flows it can still take; 0 once it is going away. */
  readonly room: number;
  /** Flows it may carry at once, as the peer says. */
  readonly limit: number;
  /** Flows it carries. */
  readonly active: number;
  /** Counts one flow more. */
  reserve(): void;
  /** Ends it; its flows are reset. */
  close(): Promise<void>;
}

/** What bounds a pool. */
export interface PoolLimits {
  /** Connections at once. At the usual 100 streams each, 160 carry 16,000 flows, a busy network's worth. */
  readonly members: number;
  /** Flows that wait for a connection at once. */
  readonly waiting: number;
}

/** The bounds when nobody says otherwise. */
export const POOL_LIMITS: PoolLimits = { members: 160, waiting: 4_096 };

/** The fewest concurrent streams that RFC 9113, section 6.5.2, recommends: a guess about a peer that has not spoken yet. */
const EXPECTED_LIMIT = 100;

/** Never more free streams than this are held ready. */
const MAX_SPARE = 16;

interface Waiter<M> {
  resolve(member: M): void;
  reject(error: unknown): void;
}

/** Connections, opened when needed. */
export class Pool<M extends PoolMember> {
  readonly #open: () => Promise<M>;
  readonly #full: () => Error;
  readonly #limits: PoolLimits;
  readonly #members = new Set<M>();
  readonly #waiters: Set<Waiter<M>> = new Set();
  #opening = 0;
  #expected = EXPECTED_LIMIT;
  #closed = false;

  /** `open` makes a connection, `full` the error of a flow that finds every bound reached. */
  constructor(open: () => Promise<M>, full: () => Error, limits: PoolLimits = POOL_LIMITS) {
    this.#open = open;
    this.#full = full;
    this.#limits = limits;
  }

  /** Connections that stand. */
  get size(): number {
    return this.#members.size;
  }

  /** The connections that stand. */
  get members(): Iterable<M> {
    return [...this.#members];
  }

  /** Takes a connection in that stands already. */
  add(member: M): void {
    this.#expected = Math.max(1, member.limit);
    this.#members.add(member);
    this.#serve();
  }

  /** Forgets a connection that takes no more flows. */
  remove(member: M): void {
    this.#members.delete(member);
  }

  /** A connection with one stream reserved. Rejects with the signal's reason, or with what kept a connection from opening. */
  take(signal: AbortSignal): Promise<M> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if (this.#waiters.size >= this.#limits.waiting) return reject(this.#full());
      const abort = () => waiter.reject(signal.reason);
      const settle = () => {
        this.#waiters.delete(waiter);
        signal.removeEventListener("abort", abort);
      };
      const waiter: Waiter<M> = {
        resolve: (member) => (settle(), resolve(member)),
        reject: (error) => (settle(), reject(error)),
      };
      signal.addEventListener("abort", abort);
      this.#waiters.add(waiter);
      this.#serve();
    });
  }

  /** A flow of `member` ended. A connection without flows goes when the others have room to spare without it. */
  released(member: M): void {
    this.#serve();
    const others = this.#room() - member.room;
    if (member.active === 0 && others >= 2 * this.#spare() && this.#members.has(member)) {
      this.#members.delete(member);
      void member.close();
    }
  }

  /** Ends all connections. */
  async close(reason: unknown): Promise<void> {
    this.#closed = true;
    for (const waiter of this.#waiters) waiter.reject(reason);
    const members = [...this.#members];
    this.#members.clear();
    await Promise.all(members.map((member) => member.close()));
  }

  #serve(): void {
    for (const waiter of this.#waiters) {
      const member = this.#withRoom();
      if (member === undefined) break;
      member.reserve();
      waiter.resolve(member);
    }
    this.#grow();
  }

  /** The oldest one first, so that the younger ones fall empty and can go. */
  #withRoom(): M | undefined {
    for (const member of this.#members) if (member.room > 0) return member;
  }

  #room(): number {
    let room = 0;
    for (const member of this.#members) room += member.room;
    return room;
  }

  #spare(): number {
    return Math.min(MAX_SPARE, Math.ceil(this.#expected / 8));
  }

  #grow(): void {
    // Without any flow nothing is kept ready.
    if (this.#waiters.size === 0 && ![...this.#members].some((m) => m.active > 0)) return;
    let missing = this.#waiters.size + this.#spare() - this.#room() -
      this.#opening * this.#expected;
    while (missing > 0 && this.#members.size + this.#opening < this.#limits.members) {
      missing -= this.#expected;
      void this.#openOne();
    }
    if (this.#opening > 0 || this.#withRoom() !== undefined) return;
    for (const waiter of this.#waiters) waiter.reject(this.#full());
  }

  async #openOne(): Promise<void> {
    this.#opening++;
    try {
      const member = await this.#open();
      this.#opening--;
      if (this.#closed) await member.close();
      else this.add(member);
    } catch (error) {
      this.#opening--;
      // Only those who have nothing else to hope for; the rest is served by the openings under way.
      if (this.#opening === 0) { for (const waiter of this.#waiters) waiter.reject(error); }
    }
  }
}
