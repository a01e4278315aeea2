/** What becomes of the delimiter: thrown away, kept at the end of a piece, or at the start of the next. */
export type DelimiterDisposition = "suffix" | "prefix" | "discard";

/** How a delimiter stream treats the delimiter. */
export interface DelimiterStreamOptions {
  disposition?: DelimiterDisposition;
}

/** Cuts text into lines at `\n` and `\r\n`, and at a lone `\r` when `allowCR` is set. */
export class TextLineStream extends TransformStream<string, string> {
  constructor(options: { allowCR: boolean } = { allowCR: false }) {
    const end = options.allowCR ? /\r\n|\n|\r(?!$)/ : /\r?\n/; // a \r at the end may be half of a \r\n
    let rest = "";
    super({
      transform(chunk, controller) {
        const lines = (rest + chunk).split(end);
        rest = lines.pop() ?? "";
        for (const line of lines) controller.enqueue(line);
      },
      flush(controller) {
        if (options.allowCR && rest.endsWith("\r")) rest = rest.slice(0, -1);
        if (rest.length > 0) controller.enqueue(rest);
      },
    });
  }
}

/** Cuts text at each `delimiter`. */
export class TextDelimiterStream extends TransformStream<string, string> {
  constructor(delimiter: string, options?: DelimiterStreamOptions) {
    const [before, after] = keptParts(delimiter, "", options);
    let rest = "";
    let opened = "";
    super({
      transform(chunk, controller) {
        const pieces = (rest + chunk).split(delimiter);
        rest = pieces.pop() ?? "";
        for (const piece of pieces) {
          controller.enqueue(opened + piece + after);
          opened = before;
        }
      },
      flush(controller) {
        controller.enqueue(opened + rest);
      },
    });
  }
}

/** Cuts bytes at each `delimiter`. */
export class DelimiterStream extends TransformStream<Uint8Array, Uint8Array> {
  constructor(delimiter: Uint8Array, options?: DelimiterStreamOptions) {
    const [before, after] = keptParts(delimiter, new Uint8Array(), options);
    let rest: Uint8Array = new Uint8Array();
    let opened: Uint8Array = new Uint8Array();
    super({
      transform(chunk, controller) {
        rest = join(rest, chunk);
        for (let at = find(rest, delimiter); at >= 0; at = find(rest, delimiter)) {
          controller.enqueue(join(opened, rest.subarray(0, at), after));
          opened = before;
          rest = rest.subarray(at + delimiter.length);
        }
      },
      flush(controller) {
        controller.enqueue(join(opened, rest));
      },
    });
  }
}

function keptParts<T>(delimiter: T, nothing: T, options?: DelimiterStreamOptions): [T, T] {
  const disposition = options?.disposition ?? "discard";
  return [
    disposition === "prefix" ? delimiter : nothing,
    disposition === "suffix" ? delimiter : nothing,
  ];
}

function join(...parts: Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function find(bytes: Uint8Array, delimiter: Uint8Array): number {
  for (let at = 0; at + delimiter.length <= bytes.length; at++) {
    if (delimiter.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}
