/**
 * One request on two roads: the second is taken only when the first is met with silence, the first answer counts, and the other request is given up.
 *
 * No byte of the program leaves before an answer, so whoever is asked in vain may see a connection that says nothing, and no more.
 *
 * @module
 */

import type { ConnectOptions } from "../tunnel.ts";
import type { RoadOptions, Silence } from "./version_client.ts";

/** Asks on one road; gives up when the options' signal aborts. */
export type Asked<T> = (options: RoadOptions & { readonly signal: AbortSignal }) => Promise<T>;

/** Asks by `first`, and by `second` as well once that one calls `onSilence`. Rejects as `second` does when both fail, and as `first` does when it was alone. */
export async function hedge<T>(
  options: ConnectOptions,
  first: Asked<T>,
  second: Asked<T>,
  onSilence: (silence: Silence) => void,
): Promise<T> {
  const { promise: silence, resolve } = Promise.withResolvers<Silence>();
  const one = attempt({ ...options, onSilence: resolve }, first);
  const early = await Promise.race([one.answer.then(() => undefined, () => undefined), silence]);
  if (early === undefined) return await one.answer;
  onSilence(early);
  const other = attempt(options, second);
  const both = [one, other];
  const winner = await Promise.any(both.map((each) => each.answer.then(() => each)))
    .catch(() => other);
  for (const each of both) if (each !== winner) each.cancel();
  return await winner.answer;
}

interface Attempt<T> {
  readonly answer: Promise<T>;
  /** Gives it up, and breaks off what it may have opened meanwhile. */
  readonly cancel: () => void;
}

function attempt<T>(options: RoadOptions, ask: Asked<T>): Attempt<T> {
  const controller = new AbortController();
  const signals = [controller.signal, ...options.signal ? [options.signal] : []];
  const answer = ask({ ...options, signal: AbortSignal.any(signals) });
  answer.catch(() => {}); // whoever waits for it asks
  return {
    answer,
    cancel: () => controller.abort(new DOMException("Another road was faster", "AbortError")),
  };
}
