/** Lets chunks through while their bytes stay within `size`; the first chunk beyond ends the stream, or is an error. */
export class LimitedBytesTransformStream extends TransformStream<Uint8Array, Uint8Array> {
  constructor(size: number, options: { error?: boolean } = {}) {
    let seen = 0;
    super({
      transform(chunk, controller) {
        seen += chunk.byteLength;
        if (seen <= size) controller.enqueue(chunk);
        else if (options.error) throw new RangeError(`Exceeded byte size limit of '${size}'`);
        else controller.terminate();
      },
    });
  }
}

/** Lets `size` chunks through; the one beyond ends the stream, or is an error. */
export class LimitedTransformStream<T> extends TransformStream<T, T> {
  constructor(size: number, options: { error?: boolean } = {}) {
    let seen = 0;
    super({
      transform(chunk, controller) {
        seen++;
        if (seen <= size) controller.enqueue(chunk);
        else if (options.error) throw new RangeError(`Exceeded chunk limit of '${size}'`);
        else controller.terminate();
      },
    });
  }
}

/** Lets the bytes from `start` up to `end` through. */
export class ByteSliceStream extends TransformStream<Uint8Array, Uint8Array> {
  constructor(start = 0, end = Infinity) {
    let at = 0;
    super({
      start() {
        if (start < 0) throw new RangeError("Start must be at least 0");
      },
      transform(chunk, controller) {
        const from = Math.max(0, start - at);
        const to = Math.min(chunk.byteLength, end - at);
        at += chunk.byteLength;
        if (from < to) controller.enqueue(chunk.slice(from, to));
        if (at >= end) controller.terminate();
      },
    });
  }
}
