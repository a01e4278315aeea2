/**
 * A program's SYN, or its first datagram, as an object that somebody answers, and the stream in which such objects wait.
 *
 * @module
 */

import type { Outcome, Refusal } from "../outcome.ts";
import type { RequestEvent } from "../stack/events.ts";
import type { Driver, FlowListener } from "./driver.ts";
import { StackFlow } from "./flow.ts";
import type { FlowRequest, SocketAddress, TcpFlowRequest, UdpFlowRequest } from "./types.ts";
import { AssociationFlow } from "./udp_flow.ts";

/** Hears when the program gave up before the answer. */
export type OnGivenUp = (request: FlowRequest) => void;

/** A SYN as an object. */
export function tcpRequest(
  driver: Driver,
  event: RequestEvent,
  onGivenUp: OnGivenUp,
): TcpFlowRequest {
  const { id, source, destination } = event;
  const request = new StackRequest("tcp" as const, driver, event, {
    accept: () => {
      const flow = new StackFlow(driver, id, source, destination);
      if (!driver.stack.accept(id)) {
        // The program gave up in the meantime: what it gets is a flow that is over.
        const nothing = { outboundBytes: 0, inboundBytes: 0 };
        flow.onEnded({ type: "ended", id, reason: "reset", ...nothing });
      }
      return flow;
    },
    refuse: (refusal) => driver.stack.refuse(id, refusal),
    onEnded: () => onGivenUp(request),
  });
  driver.listen(id, request);
  return request;
}

/** The first datagram of an association as an object. */
export function udpRequest(
  driver: Driver,
  event: RequestEvent,
  onGivenUp: OnGivenUp,
): UdpFlowRequest {
  const { id, source, destination } = event;
  const request = new StackRequest("udp" as const, driver, event, {
    accept: () => {
      const flow = new AssociationFlow(driver, id, source, destination);
      if (!driver.stack.associations.accept(id)) {
        const nothing = { outboundBytes: 0, inboundBytes: 0, dropped: 0 };
        flow.onEnded({ type: "association-ended", id, reason: "finished", ...nothing });
      }
      return flow;
    },
    refuse: (refusal) => driver.stack.associations.end(id, refusal),
    onEnded: () => onGivenUp(request),
  });
  driver.listenToAssociation(id, request);
  return request;
}

/** What the answers to a request do to the core, and who hears that there will be none. */
interface Answers<F> {
  accept(): F;
  refuse(refusal: Refusal): void;
  onEnded(): void;
}

class StackRequest<P, F> implements FlowListener {
  readonly id: number;
  readonly protocol: P;
  readonly source: SocketAddress;
  readonly destination: SocketAddress;
  readonly #driver: Driver;
  readonly #answers: Answers<F>;
  #isAnswered = false;
  #hasEnded = false;
  /** Made only for those who ask: most requests are answered at once. */
  #abort: AbortController | undefined;

  constructor(protocol: P, driver: Driver, event: RequestEvent, answers: Answers<F>) {
    this.protocol = protocol;
    this.#driver = driver;
    this.#answers = answers;
    this.id = event.id;
    this.source = event.source;
    this.destination = event.destination;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#hasEnded) this.#abort.abort(gaveUp());
    return this.#abort.signal;
  }

  accept(): F {
    this.#answer();
    const flow = this.#answers.accept();
    this.#driver.schedule();
    return flow;
  }

  refuse(outcome: Pick<Outcome, "refusal">): void {
    this.#answer();
    this.#answers.refuse(outcome.refusal);
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

  onEnded(): void {
    this.#hasEnded = true;
    this.#abort?.abort(gaveUp());
    this.#answers.onEnded();
  }
}

function gaveUp(): DOMException {
  return new DOMException("The program gave up before its request was answered", "AbortError");
}

/** Requests that nobody has taken yet, as a stream. The core bounds how many there are. */
export class RequestQueue {
  readonly #waiting = new Set<FlowRequest>();
  #wake: (() => void) | undefined;
  #isClosed = false;
  /** For one reader. */
  readonly readable: ReadableStream<FlowRequest> = new ReadableStream<FlowRequest>({
    pull: (controller) => this.#pull(controller),
    cancel: () => this.close(),
  }, { highWaterMark: 0 });

  /** Adds a request. */
  push(request: FlowRequest): void {
    if (this.#isClosed) return request.refuse({ refusal: "network-unreachable" });
    this.#waiting.add(request);
    this.#wake?.();
  }

  /** Takes a request out that is over. */
  delete(request: FlowRequest): void {
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
