/** A transform stream out of a generator that reads the source. */
export function toTransformStream<I, O>(
  transformer: (src: ReadableStream<I>) => Iterable<O> | AsyncIterable<O>,
  writableStrategy?: QueuingStrategy<I>,
  readableStrategy?: QueuingStrategy<O>,
): TransformStream<I, O> {
  const { readable: source, writable } = new TransformStream<I, I>(undefined, writableStrategy);
  const made = transformer(source);
  const iterator = Symbol.asyncIterator in made
    ? made[Symbol.asyncIterator]()
    : made[Symbol.iterator]();
  const readable = new ReadableStream<O>({
    async pull(controller) {
      let result: IteratorResult<O>;
      try {
        result = await iterator.next();
      } catch (error) {
        await source.cancel(error).catch(() => {}); // the generator may hold the lock, or have ended it
        return controller.error(error);
      }
      if (result.done) controller.close();
      else controller.enqueue(result.value);
    },
    async cancel(reason) {
      try {
        await iterator.throw?.(reason);
      } catch (error) {
        if (error !== reason) throw error; // the generator let our reason pass: that is its normal end
      }
      await source.cancel(reason).catch(() => {});
    },
  }, readableStrategy);
  return { writable, readable };
}
