/**
 * Several workers behind one device: started together, ended together. When one fails, all end.
 *
 * @module
 */

import { DeviceError } from "../errors.ts";
import { type NameService, openNames } from "../names.ts";
import type { RunOptions } from "../run.ts";
import { libc } from "../tun/ffi.ts";
import type { TunQueue } from "../tun/linux.ts";
import type { ProxyClient } from "../tunnel/tunnel.ts";
import type { Chorus } from "./chorus.ts";
import type { FromWorker, StartMessage, ToWorker } from "./messages.ts";
import { NameDesk } from "./name_desk.ts";

/** How long a worker may take to reset its flows and to close; one that hangs is ended then. */
const STOP_MS = 3_000;

/** What a team is made of. */
export interface TeamOptions extends Omit<RunOptions, "log"> {
  /** The queues of one device, one for each worker, which close them. */
  readonly queues: readonly TunQueue[];
  /** Makes the thread of a worker, whose program calls `serveWorker`. */
  readonly hire: () => Worker;
  /** What it hands to that, to find the proxy: anything that can be cloned. */
  readonly place: unknown;
  /** The way to it on which the main thread resolves names. */
  readonly proxy: ProxyClient;
  /** Where all say what they have to say. */
  readonly chorus: Chorus;
  /** Hears of secrets that a worker came to know, so that no line of the log repeats them. */
  readonly learn?: (secret: string) => void;
  /** Gives the start up. */
  readonly signal?: AbortSignal;
}

/** Workers that run. */
export interface Team extends AsyncDisposable {
  /** Settles when the device is gone; rejects with a `DeviceError` when a worker failed. Both end all workers. */
  readonly closed: Promise<void>;
  /** Resets every flow and ends every worker; the interface goes with the last. */
  close(): Promise<void>;
}

/**
 * Starts one worker for each queue, and settles when all are ready. Rejects with the signal's reason, and with a `DeviceError` when a worker
 * cannot begin; then none runs, and the device is closed.
 */
export async function startTeam(options: TeamOptions): Promise<Team> {
  const team = new WorkerTeam(options);
  const giveUp = () => void team.close();
  options.signal?.addEventListener("abort", giveUp);
  try {
    const isEarly = await Promise.race([
      team.ready.then(() => false),
      team.closed.then(() => true),
    ]);
    options.signal?.throwIfAborted();
    if (isEarly) throw new DeviceError("closed", "The device is gone before the workers began");
    return team;
  } catch (error) {
    await team.close();
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", giveUp);
  }
}

/** One worker as the main thread sees it. */
interface Member {
  readonly worker: Worker;
  readonly queue: TunQueue;
  readonly desk: NameDesk;
  readonly ready: PromiseWithResolvers<void>;
  /** It has closed its queue, and says nothing any more. */
  readonly over: PromiseWithResolvers<void>;
  isOver: boolean;
}

class WorkerTeam implements Team {
  readonly ready: Promise<unknown>;
  readonly closed: Promise<void>;
  readonly #members: readonly Member[];
  readonly #names: NameService;
  readonly #options: TeamOptions;
  readonly #end = Promise.withResolvers<void>();
  #closing: Promise<void> | undefined;

  constructor(options: TeamOptions) {
    const { queues, place, proxy, chorus } = options;
    const { blockDot, udpBind, addresses, limits, tcp } = options;
    this.#options = options;
    this.#names = openNames(proxy, options, chorus.main);
    this.#members = queues.map((queue, index) => this.#hire(queue, index));
    this.ready = Promise.all(this.#members.map(({ ready }) => ready.promise));
    this.ready.catch(() => {});
    this.closed = this.#end.promise.finally(() => this.close());
    this.closed.catch(() => {});
    const channels = queues.slice(1).map(() => new MessageChannel());
    const { isResolver, takesDatagrams } = this.#names;
    const names = { isResolver, takesDatagrams, makesUp: (options.dns ?? "fake") === "fake" };
    // What is left of the options is about names, and stays here.
    const run = { blockDot, udpBind, addresses, limits, tcp };
    const count = queues.length;
    this.#members.forEach(({ worker, queue }, index) => {
      const strays = index === 0 ? channels.map(({ port1 }) => port1) : [channels[index - 1].port2];
      const shared = { count, place, run, names, log: chorus.level };
      const start: StartMessage = { type: "start", index, queue, strays, ...shared };
      worker.postMessage(start, strays as MessagePort[]);
    });
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #hire(queue: TunQueue, index: number): Member {
    const { chorus, hire, learn } = this.#options;
    const worker = hire();
    const post = (message: ToWorker) => worker.postMessage(message);
    const member: Member = {
      worker,
      queue,
      desk: new NameDesk(this.#names, post),
      ready: Promise.withResolvers(),
      over: Promise.withResolvers(),
      isOver: false,
    };
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === "ready") member.ready.resolve();
      else if (data.type === "over") this.#over(member, index, data.problem);
      else if (data.type === "secret") learn?.(data.secret);
      else if (data.type !== "log") void member.desk.take(data);
      else {
        for (const [level, line] of data.lines) chorus.say(index + 1, level, line);
        post({ type: "said", lines: data.lines.length });
      }
    };
    worker.onerror = (event) => {
      event.preventDefault(); // or this thread would fall with it; the runtime has printed the stack
      member.over.resolve(); // it answers no more
      this.#fail(index, event.message);
    };
    return member;
  }

  #over(member: Member, index: number, problem: string | undefined): void {
    member.isOver = true;
    member.over.resolve();
    if (problem !== undefined) this.#fail(index, problem);
    else this.#end.resolve();
  }

  #fail(index: number, why: string): void {
    const problem = `Worker ${index + 1} of ${this.#members.length} failed: ${why}`;
    this.#end.reject(new DeviceError("failed", problem));
  }

  async #close(): Promise<void> {
    const waiting = this.#members.filter(({ isOver }) => !isOver);
    for (const { worker } of waiting) worker.postMessage({ type: "stop" } satisfies ToWorker);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, STOP_MS);
    await Promise.race([Promise.all(waiting.map(({ over }) => over.promise)), promise]);
    clearTimeout(timer);
    for (const { worker, desk, queue, isOver } of this.#members) {
      worker.terminate();
      desk[Symbol.dispose]();
      if (!isOver) libc().close(queue.fd); // it cannot any more
    }
    await this.#names[Symbol.asyncDispose]();
    this.#end.resolve();
  }
}
