/**
 * Waiting within bounds: for the first of several ways to an answer, begun one after the other (the idea of RFC 8305), and not for
 * ever.
 *
 * @module
 */

/** One way; it gives up when `signal` aborts. */
export type Attempt<T> = (signal: AbortSignal) => Promise<T>;

/**
 * Begins the attempts in turn: the next when one has failed, or when there was no answer for `staggerMs`. Resolves with the first
 * success and aborts the others; rejects with the errors of all, in an `AggregateError`, or with the reason of `signal`.
 */
export async function race<T>(
  attempts: readonly Attempt<T>[],
  staggerMs: number,
  signal: AbortSignal,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const over = new AbortController();
  const errors: unknown[] = [];
  let begun = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const begin = () => {
    clearTimeout(timer);
    if (over.signal.aborted || begun === attempts.length) return;
    attempts[begun++](over.signal).then(resolve, failed);
    if (begun < attempts.length) timer = setTimeout(begin, staggerMs);
  };
  const failed = (error: unknown) => {
    errors.push(error);
    if (errors.length === attempts.length) reject(new AggregateError(errors, "Every way failed"));
    else begin();
  };
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  else begin();
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", abort);
    clearTimeout(timer);
    over.abort(new DOMException("Another server was faster", "AbortError"));
  }
}

/** What `work` settles with, unless `timeoutMs` pass or `closing` aborts before: then it rejects, whatever `work` does with its signal. */
export async function withDeadline<T>(
  timeoutMs: number,
  closing: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const { promise, reject } = Promise.withResolvers<never>();
  over.signal.addEventListener("abort", () => reject(over.signal.reason));
  const close = () => over.abort(closing.reason);
  closing.addEventListener("abort", close);
  if (closing.aborted) close();
  const timer = setTimeout(() => over.abort(new Error("There was no answer in time")), timeoutMs);
  try {
    return await Promise.race([promise, work(over.signal)]);
  } finally {
    clearTimeout(timer);
    closing.removeEventListener("abort", close);
  }
}
