/**
 * Where the main thread answers one worker's questions for names.
 *
 * @module
 */

import type { HeldName, NameService } from "../names.ts";
import type { NameMessage, Post, ToWorker } from "./messages.ts";

/** One worker's desk. */
export class NameDesk implements Disposable {
  readonly #names: NameService;
  readonly #post: Post<ToWorker>;
  /** What the worker holds, by its id. */
  readonly #held = new Map<number, Promise<HeldName> | HeldName>();
  #isClosed = false;

  /** Answers out of `names` by `post`. */
  constructor(names: NameService, post: Post<ToWorker>) {
    this.#names = names;
    this.#post = post;
  }

  /** Takes a question, or what the worker tells. Never rejects. */
  async take(message: NameMessage): Promise<void> {
    if (this.#isClosed) return;
    switch (message.type) {
      case "query": {
        const { id, query, server, transport } = message;
        const answer = await this.#names.answer(query, server, transport);
        if (!this.#isClosed) this.#post({ type: "answer", id, answer });
        return;
      }
      case "hold": {
        const { id, address } = message;
        const holding = this.#names.hold(address);
        this.#held.set(id, holding);
        const { name } = await holding;
        if (!this.#isClosed) this.#post({ type: "held", id, name });
        return;
      }
      case "release": {
        const holding = this.#held.get(message.id);
        this.#held.delete(message.id);
        (await holding)?.[Symbol.dispose]();
        return;
      }
      case "ipv6":
        this.#names.noteIpv6(message.isRoutable);
    }
  }

  /** The worker is gone: what it held is free. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const holding of this.#held.values()) {
      void Promise.resolve(holding).then((held) => held[Symbol.dispose]());
    }
    this.#held.clear();
  }
}
