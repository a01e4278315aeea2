/**
 * Two hosts, a link in each direction, and a virtual clock that jumps from event to event.
 *
 * @module
 */

import { seededRandom } from "../unit/random.ts";
import { type Node, type Passing, type Random, transmit } from "./link.ts";

/** One end of the link. */
export interface Host {
  /** Takes a frame. */
  take(frame: Uint8Array, now: number): void;
  /** Acts on deadlines; called early it does nothing. */
  wake(now: number): void;
  /** Frames that want to leave. */
  poll(now: number): Uint8Array[];
  /** The next deadline, Infinity for none. */
  nextTimeout(): number;
}

/** Who looks at the frames: with the index (0 or 1) of the host that sent or got it. */
export interface Observer {
  onSent(host: number, frame: Uint8Array, now: number): void;
  onTaken(host: number, frame: Uint8Array, now: number): void;
}

/** More turns than any scenario takes: beyond them two hosts feed each other for ever. */
const MAX_TURNS = 400_000;

/** The simulation. */
export class World {
  now = 0;
  readonly hosts: readonly [Host, Host];
  readonly random: Random;
  /** How many frames were sent by each host. */
  readonly sent: [number, number] = [0, 0];
  readonly #links: readonly [readonly Node[], readonly Node[]];
  readonly #observers: readonly Observer[];
  /** Frames under way to a host, the latest first. */
  readonly #underWay: (Passing & { to: number; order: number })[] = [];
  #order = 0;
  #turns = 0;
  #isCut = false;

  /** `links[i]` is the link that host `i` sends into. */
  constructor(
    seed: number,
    hosts: readonly [Host, Host],
    links: readonly [readonly Node[], readonly Node[]],
    observers: readonly Observer[] = [],
  ) {
    this.random = seededRandom(seed);
    this.hosts = hosts;
    this.#links = links;
    this.#observers = observers;
  }

  /** From now on nothing comes through, in either direction. */
  cut(): void {
    this.#isCut = true;
    this.#underWay.length = 0;
  }

  /** Lets time pass until `isDone`, or until `limit` (milliseconds), or until nothing will ever happen again. */
  run(limit: number, isDone: () => boolean = () => false): void {
    for (;;) {
      this.#drain();
      if (isDone()) return;
      const next = Math.min(
        this.#underWay.at(-1)?.at ?? Infinity,
        this.hosts[0].nextTimeout(),
        this.hosts[1].nextTimeout(),
      );
      if (next > limit) {
        if (limit !== Infinity) this.now = limit;
        return;
      }
      if (++this.#turns > MAX_TURNS) throw new Error(`No end after ${MAX_TURNS} turns`);
      this.now = Math.max(next, this.now);
      this.#deliver();
      for (const host of this.hosts) host.wake(this.now);
    }
  }

  #deliver(): void {
    for (let due; (due = this.#underWay.at(-1)) !== undefined && due.at <= this.now;) {
      this.#underWay.pop();
      for (const observer of this.#observers) observer.onTaken(due.to, due.frame, this.now);
      this.hosts[due.to].take(due.frame, this.now);
    }
  }

  #drain(): void {
    this.hosts.forEach((host, from) => {
      for (const frame of host.poll(this.now)) {
        this.sent[from]++;
        for (const observer of this.#observers) observer.onSent(from, frame, this.now);
        const passing = transmit(this.#links[from], { frame, at: this.now }, this.random);
        for (const each of passing) this.#insert(each, each.goesBack ? from : 1 - from);
      }
    });
  }

  #insert(passing: Passing, to: number): void {
    if (this.#isCut) return;
    const item = { ...passing, to, order: this.#order++ };
    let at = this.#underWay.length;
    while (at > 0 && this.#underWay[at - 1].at <= item.at) at--;
    this.#underWay.splice(at, 0, item);
  }
}
