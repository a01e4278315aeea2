/**
 * A program's SYN as an object that somebody answers, and the stream in which such objects wait.
 *
 * @module
 */

import type { Outcome } from "../outcome.ts";
import type { EndedEvent, RequestEvent } from "../stack/events.ts";
import type { Driver, FlowListener } from "./driver.ts";
import { StackFlow } from "./flow.ts";
import type { Flow, FlowRequest, SocketAddress } from "./types.ts";

/** One request of the core. */
export class StackRequest implements FlowRequest, FlowListener {
  readonly id: number;
  readonly protocol = "tcp";
  readonly source: SocketAddress;
  readonly destination: SocketAddress;
  readonly #driver: Driver;
  readonly #onEnded: (request: StackRequest) => void;
  #isAnswered = false;
  #hasEnded = false;
  /** Made only for those who ask: most requests are answered at once. */
  #abort: AbortController | undefined;

  /** `onEnded` hears when the program gave up before the answer. */
  constructor(driver: Driver, event: RequestEvent, onEnded: (request: StackRequest) => void) {
    this.#driver = driver;
    this.#onEnded = onEnded;
    this.id = event.id;
    this.source = event.source;
    this.destination = event.destination;
    driver.listen(event.id, this);
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#hasEnded) this.#abort.abort(gaveUp());
    return this.#abort.signal;
  }

  accept(): Flow {
    this.#answer();
    const flow = new StackFlow(this.#driver, this.id, this.source, this.destination);
    if (!this.#driver.stack.accept(this.id)) {
      // The program gave up in the meantime: what it gets is a flow that is over.
      flow.onEnded({
        type: "ended",
        id: this.id,
        reason: "reset",
        outboundBytes: 0,
        inboundBytes: 0,
      });
    }
    this.#driver.schedule();
    return flow;
  }

  refuse(outcome: Pick<Outcome, "refusal">): void {
    this.#answer();
    this.#driver.stack.refuse(this.id, outcome.refusal);
    this.#driver.schedule();
  }

  #answer(): void {
    if (this.#isAnswered) {
      throw new TypeError("Cannot answer a flow request twice: call accept or refuse once");
    }
    this.#isAnswered = true;
  }

  onReadable(): void {}

  onWritable(): void {}

  onEnded(_event: EndedEvent): void {
    this.#hasEnded = true;
    this.#abort?.abort(gaveUp());
    this.#onEnded(this);
  }
}

function gaveUp(): DOMException {
  return new DOMException("The program gave up before its request was answered", "AbortError");
}

/** Requests that nobody has taken yet, as a stream. The core bounds how many there are. */
export class RequestQueue {
  readonly #waiting = new Set<StackRequest>();
  #wake: (() => void) | undefined;
  #isClosed = false;
  /** For one reader. */
  readonly readable: ReadableStream<FlowRequest> = new ReadableStream<FlowRequest>({
    pull: (controller) => this.#pull(controller),
    cancel: () => this.close(),
  }, { highWaterMark: 0 });

  /** Adds a request. */
  push(request: StackRequest): void {
    if (this.#isClosed) return request.refuse({ refusal: "network-unreachable" });
    this.#waiting.add(request);
    this.#wake?.();
  }

  /** Takes a request out that is over. */
  delete(request: StackRequest): void {
    this.#waiting.delete(request);
  }

  /** Ends the stream; what waits is refused. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const request of this.#waiting) request.refuse({ refusal: "network-unreachable" });
    this.#waiting.clear();
    this.#wake?.();
  }

  async #pull(controller: ReadableStreamDefaultController<FlowRequest>): Promise<void> {
    for (;;) {
      for (const request of this.#waiting) {
        this.#waiting.delete(request);
        return controller.enqueue(request);
      }
      if (this.#isClosed) return controller.close();
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
    }
  }
}
