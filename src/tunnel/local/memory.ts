/**
 * The in-memory twin of a road to a proxy: answers are scripted, no packet leaves. For tests, examples and demonstrations.
 *
 * @module
 */

import type { Outcome } from "../../outcome.ts";
import { memoryUdp, type UdpFarSide } from "./memory_udp.ts";
import type {
  ConnectOptions,
  ProxyClient,
  Target,
  TunnelEnd,
  TunnelResponse,
  UdpTunnelResponse,
} from "../tunnel.ts";

/** The other end of a tunnel in memory: the origin, as it were. */
export interface FarSide {
  /** Where the tunnel was asked to lead. */
  readonly target: Target;
  /** The header fields of the request. */
  readonly headers: Headers;
  /** Bytes from the tunnel's user. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Bytes to the tunnel's user. Close ends, abort resets. */
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
  /** Resets the tunnel. */
  reset(reason?: unknown): void;
}

/** How the proxy answers a request: `echo` sends back what comes, an outcome refuses, a function is the origin. */
export type MemoryAnswer = "echo" | Outcome | ((far: FarSide) => void | Promise<void>);

/** Says how to answer; a promise keeps the request waiting. */
export type MemoryScript = (target: Target) => MemoryAnswer | Promise<MemoryAnswer>;

/** The same for UDP. */
export type MemoryUdpAnswer = "echo" | Outcome | ((far: UdpFarSide) => void | Promise<void>);

/** Says how to answer a request for UDP. */
export type MemoryUdpScript = (target: Target) => MemoryUdpAnswer | Promise<MemoryUdpAnswer>;

/**
 * A proxy in memory.
 *
 * @example Datagrams to an origin that sends them back
 * ```ts
 * import { MemoryClient } from "./memory.ts";
 *
 * await using proxy = new MemoryClient();
 * const tunnel = await proxy.connectUdp({ hostname: "echo.example", port: 7 });
 * if (!tunnel.ok) throw new Error(tunnel.outcome.detail);
 * tunnel.send(new Uint8Array([1, 2, 3]));
 * const { value } = await tunnel.readable.getReader().read();
 * if (value?.join() !== "1,2,3") throw new Error("unexpected");
 * ```
 *
 * @example A refusal
 * ```ts
 * import { MemoryClient } from "./memory.ts";
 *
 * await using proxy = new MemoryClient(() => ({
 *   kind: "dns_error", refusal: "host-unreachable", status: 502, detail: "no such name",
 * }));
 * const tunnel = await proxy.connect({ hostname: "nowhere.example", port: 80 });
 * if (tunnel.ok || tunnel.outcome.kind !== "dns_error") throw new Error("unexpected");
 * ```
 */
export class MemoryClient implements ProxyClient {
  readonly description = "in memory";
  readonly #script: MemoryScript;
  readonly #udpScript: MemoryUdpScript;
  readonly #closing = new AbortController();

  /** Without a script every tunnel is an echo. */
  constructor(script: MemoryScript = () => "echo", udpScript: MemoryUdpScript = () => "echo") {
    this.#script = script;
    this.#udpScript = udpScript;
  }

  /** Answers as the script says. */
  async connect(target: Target, options: ConnectOptions = {}): Promise<TunnelResponse> {
    const signal = this.#signal(options);
    const answer = await settledOrAborted(Promise.resolve(this.#script(target)), signal);
    const headers = new Headers();
    if (typeof answer === "object") {
      return { ok: false, status: answer.status, headers, outcome: answer };
    }
    return { ok: true, status: 200, headers, ...open(answer, target, options.headers, signal) };
  }

  /** Answers as the script for UDP says. */
  async connectUdp(target: Target, options: ConnectOptions = {}): Promise<UdpTunnelResponse> {
    const signal = this.#signal(options);
    const answer = await settledOrAborted(Promise.resolve(this.#udpScript(target)), signal);
    if (typeof answer === "object") {
      return { ok: false, status: answer.status, headers: new Headers(), outcome: answer };
    }
    const { near, far, reset } = memoryUdp(signal);
    if (answer === "echo") far.receive({ datagram: (payload) => far.send(payload) });
    else {
      const { readable, writable, closed } = far;
      const side: UdpFarSide = {
        target,
        headers: new Headers(options.headers),
        readable,
        writable,
        closed,
        get drops() {
          return far.drops;
        },
        send: (payload) => far.send(payload),
        receive: (taker) => far.receive(taker),
        close: () => far.close(),
        reset,
      };
      Promise.resolve(answer(side)).catch(reset);
    }
    return near;
  }

  /** Resets every open tunnel. */
  close(): Promise<void> {
    this.#closing.abort(new DOMException("The client was closed", "AbortError"));
    return Promise.resolve();
  }

  /** The same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #signal({ signal }: ConnectOptions): AbortSignal {
    if (this.#closing.signal.aborted) {
      throw new TypeError("Cannot connect through a closed client: make another one");
    }
    signal?.throwIfAborted();
    return signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
  }
}

function open(
  answer: Exclude<MemoryAnswer, Outcome>,
  target: Target,
  headers: HeadersInit | undefined,
  signal: AbortSignal,
) {
  const end = Promise.withResolvers<TunnelEnd>();
  const reset = (reason: unknown = new Error("The tunnel was reset")) => {
    signal.removeEventListener("abort", onAbort);
    up.fail(reason);
    down.fail(reason);
    end.resolve({ reason: "reset", detail: `The tunnel was reset: ${reason}` });
  };
  const ended = () => {
    if (!up.ended || !down.ended) return;
    signal.removeEventListener("abort", onAbort);
    end.resolve({ reason: "finished", detail: "" });
  };
  const onAbort = () => reset(signal.reason);
  const up = new HalfPipe(ended, reset);
  const down = new HalfPipe(ended, reset);
  signal.addEventListener("abort", onAbort);

  const { readable } = up;
  const { writable } = down;
  if (answer === "echo") readable.pipeTo(writable).catch(() => {}); // a reset ends the echo
  else {
    const far = { target, headers: new Headers(headers), readable, writable, reset };
    Promise.resolve(answer(far)).catch(reset);
  }
  return { readable: down.readable, writable: up.writable, closed: end.promise };
}

/** One direction: a write settles when there is room, and one chunk may wait. */
class HalfPipe {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
  ended = false;
  #input!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #output!: WritableStreamDefaultController;
  #failed = false;
  #demand = false;
  #wanted = () => {};

  constructor(onEnd: () => void, onBreak: (reason: unknown) => void) {
    this.readable = new ReadableStream({
      start: (controller) => void (this.#input = controller),
      pull: () => {
        this.#demand = true;
        this.#wanted();
      },
      cancel: onBreak,
    }, { highWaterMark: 1 });
    this.writable = new WritableStream({
      start: (controller) => {
        this.#output = controller;
        // Not the sink's `abort`, which waits for the write under way.
        const { signal } = controller;
        signal.addEventListener("abort", () => onBreak(signal.reason));
      },
      write: (chunk) => this.#pass(chunk),
      close: () => {
        this.ended = true;
        this.#input.close();
        onEnd();
      },
    });
  }

  fail(reason: unknown): void {
    if (this.#failed || this.ended) return;
    this.#failed = true;
    this.#input.error(reason);
    this.#output.error(reason);
    this.#wanted();
  }

  async #pass(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    if (!this.#demand) await new Promise<void>((resolve) => this.#wanted = resolve);
    this.#demand = false;
    if (!this.#failed) this.#input.enqueue(chunk);
  }
}

function settledOrAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener("abort", abort));
}
