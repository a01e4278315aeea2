/**
 * What a worker does: takes its queue of the device over, connects to the proxy, and runs until it is told to stop. The file of the thread
 * itself is somebody else's, who knows how the proxy is found.
 *
 * @module
 */

import { type RunningShare, runShare } from "../run.ts";
import { TunDevice } from "../tun/descriptor.ts";
import type { ProxyClient } from "../tunnel/tunnel.ts";
import type { Log } from "../log.ts";
import type { FromWorker, StartMessage, ToWorker } from "./messages.ts";
import { remoteLog } from "./remote_log.ts";
import { RemoteNames } from "./remote_names.ts";
import { strayWays, takeStrays } from "./stray_ways.ts";

/** What a worker has of `DedicatedWorkerGlobalScope`, which the types of the main thread do not know. */
interface WorkerScope {
  postMessage(message: FromWorker): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
}

/** A way to the proxy, with whatever lives as long as it. */
export interface WorkerRoad extends AsyncDisposable {
  readonly client: ProxyClient;
}

/** What is around a worker. */
export interface WorkerSurroundings {
  /** Gives the connecting up. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Hears of secrets that come up later. */
  readonly learn: (secret: string) => void;
}

/** Finds the way to the proxy, for a worker that was told `place`. */
export type FindRoad<P> = (place: P, around: WorkerSurroundings) => Promise<WorkerRoad>;

const scope = globalThis as unknown as WorkerScope;
const post = (message: FromWorker) => scope.postMessage(message);
const stopping = new AbortController();

/** Runs from the start message to the end. The queue is closed whatever happens. */
async function work<P>(start: StartMessage, find: FindRoad<P>): Promise<void> {
  const { index, queue, place, run, strays } = start;
  const names = new RemoteNames(start.names, post);
  const { log, said } = remoteLog(start.log, post);
  scope.onmessage = ({ data }) => {
    if (data.type === "answer" || data.type === "held") names.take(data);
    else if (data.type === "said") said(data.lines);
    else if (data.type === "stop") stopping.abort();
  };
  const { signal } = stopping;
  await using device = new TunDevice(queue.fd, queue);
  const learn = (secret: string) => post({ type: "secret", secret });
  await using road = await find(place as P, { signal, log, learn });
  const ways = index === 0 ? strayWays(strays) : undefined;
  await using running = runShare(device, road.client, { ...run, names, strays: ways, log });
  if (index > 0) takeStrays(strays[0], (frame) => running.take(frame));
  post({ type: "ready" });
  await ended(running, signal);
  for (const way of strays) way.close();
}

function ended(running: RunningShare, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (signal.aborted) resolve();
  return Promise.race([running.closed, promise]);
}

/** Makes this thread a worker, which waits for its start message. Called once, by the file that the thread was made from. */
export function serveWorker<P>(find: FindRoad<P>): void {
  scope.onmessage = ({ data }) => {
    if (data.type !== "start") return;
    work(data, find).then(
      () => post({ type: "over" }),
      (error) => {
        const isAsked = stopping.signal.aborted;
        const problem = error instanceof Error ? error.message : String(error);
        post({ type: "over", problem: isAsked ? undefined : problem });
      },
    );
  };
}
