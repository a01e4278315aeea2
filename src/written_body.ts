/**
 * The body of a message that is written while it is sent, by `fetch` or by a handler of requests.
 *
 * By hand, because the writable side of a `TransformStream` cannot be aborted while a write waits for a reader that never comes.
 *
 * @module
 */

/** What is written into one is read from the other. */
export interface WrittenBody {
  /** A write settles once its bytes were taken. */
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** A new body, which queues nothing. `onCancel` hears that nobody reads it any more. */
export function writtenBody(onCancel: () => void = () => {}): WrittenBody {
  let input!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  let output!: WritableStreamDefaultController;
  let isWanted = false;
  /** The write under way. */
  let waiting: PromiseWithResolvers<void> | undefined;
  const fail = (reason: unknown) => {
    waiting?.reject(reason);
    output.error(reason);
  };
  const readable = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => void (input = controller),
    pull: () => {
      isWanted = true;
      waiting?.resolve();
    },
    cancel: (reason) => {
      // Deno's reason is a word.
      fail(reason instanceof Error ? reason : new Error("The body is not read any more"));
      onCancel();
    },
  }, { highWaterMark: 0 });
  const writable = new WritableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => {
      output = controller;
      const { signal } = controller;
      signal.addEventListener("abort", () => {
        fail(signal.reason);
        input.error(signal.reason);
      });
    },
    async write(chunk) {
      if (!isWanted) {
        waiting = Promise.withResolvers();
        await waiting.promise;
        waiting = undefined;
      }
      isWanted = false;
      input.enqueue(chunk);
    },
    close: () => input.close(),
  });
  return { readable, writable };
}
