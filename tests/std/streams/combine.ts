/** The chunks of each stream in turn, one stream after the other. */
export function concatReadableStreams<T>(...streams: ReadableStream<T>[]): ReadableStream<T> {
  let reader: ReadableStreamDefaultReader<T> | undefined;
  const rest = [...streams];
  return new ReadableStream<T>({
    async pull(controller) {
      while (true) {
        reader ??= rest.shift()?.getReader();
        if (reader === undefined) return controller.close();
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        reader.releaseLock();
        reader = undefined;
      }
    },
    async cancel(reason) {
      await reader?.cancel(reason);
      await Promise.all(rest.map((stream) => stream.cancel(reason)));
    },
  });
}

/** All chunks as they come. Like the real one it reads ahead without regard to demand. */
export function mergeReadableStreams<T>(...streams: ReadableStream<T>[]): ReadableStream<T> {
  return new ReadableStream<T>({
    async start(controller) {
      const pump = async (stream: ReadableStream<T>) => {
        for await (const chunk of stream) controller.enqueue(chunk);
      };
      try {
        await Promise.all(streams.map(pump));
        controller.close();
      } catch (error) {
        controller.error(error);
      }
    },
  });
}

/** One chunk of each stream in turn, until the last has ended. */
export function zipReadableStreams<T>(...streams: ReadableStream<T>[]): ReadableStream<T> {
  const readers = streams.map((stream) => stream.getReader());
  let turn = 0;
  return new ReadableStream<T>({
    async pull(controller) {
      while (readers.length > 0) {
        turn %= readers.length;
        const { done, value } = await readers[turn].read();
        if (done) {
          readers.splice(turn, 1);
          continue;
        }
        turn++;
        return controller.enqueue(value);
      }
      controller.close();
    },
    async cancel(reason) {
      await Promise.all(readers.map((reader) => reader.cancel(reason)));
    },
  });
}

/** One chunk of each stream in turn, until the first has ended; the others are cancelled. */
export function earlyZipReadableStreams<T>(...streams: ReadableStream<T>[]): ReadableStream<T> {
  const readers = streams.map((stream) => stream.getReader());
  const cancel = async (reason?: unknown) => {
    await Promise.all(readers.map((reader) => reader.cancel(reason)));
  };
  let turn = 0;
  return new ReadableStream<T>({
    async pull(controller) {
      if (readers.length === 0) return controller.close();
      const { done, value } = await readers[turn].read();
      turn = (turn + 1) % readers.length;
      if (!done) return controller.enqueue(value);
      await cancel();
      controller.close();
    },
    cancel,
  });
}
