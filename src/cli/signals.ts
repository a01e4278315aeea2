/**
 * The signals that ask a program to end, as an `AbortSignal`.
 *
 * @module
 */

/** Aborts when the person or the system asks the program to end. Disposing of it stops the listening. */
export interface Ending extends Disposable {
  readonly signal: AbortSignal;
}

/** What asks a program to end: Ctrl-C, a service manager, a terminal that goes away. */
const SIGNALS: readonly Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Listens from here on. The first signal aborts; a second one of the same kind ends the process, for the impatient. */
export function listenForEnding(): Ending {
  const controller = new AbortController();
  const listeners = SIGNALS.map((name) => {
    const listener = () => {
      Deno.removeSignalListener(name, listener);
      controller.abort();
    };
    Deno.addSignalListener(name, listener);
    return { name, listener };
  });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const { name, listener } of listeners) Deno.removeSignalListener(name, listener);
    },
  };
}

/** Settles when `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}
