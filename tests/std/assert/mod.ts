/** Stand-in for `@std/assert`: the functions in use, same names, signatures and errors. */
export class AssertionError extends Error {
  override name = "AssertionError";
}

export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  const a = Deno.inspect(actual, {
    depth: 100,
    sorted: true,
    strAbbreviateSize: Infinity,
    iterableLimit: Infinity,
  });
  const b = Deno.inspect(expected, {
    depth: 100,
    sorted: true,
    strAbbreviateSize: Infinity,
    iterableLimit: Infinity,
  });
  if (a !== b) {
    throw new AssertionError(
      `Values are not equal${msg ? `: ${msg}` : ""}\n- expected ${b}\n+ actual ${a}`,
    );
  }
}
