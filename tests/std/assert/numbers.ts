import { AssertionError, suffix } from "./error.ts";
import { format } from "./diff.ts";

/** `actual` is within `tolerance` of `expected`; by default a ten-millionth of it. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  const allowed = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  const delta = Math.abs(expected - actual);
  if (delta <= allowed) return;
  const say = (value: number) => Number.isInteger(value) ? String(value) : value.toExponential();
  throw new AssertionError(
    `Expected actual: "${say(actual)}" to be close to "${say(expected)}": delta "${
      say(delta)
    }" is greater than "${say(allowed)}"${suffix(msg)}`,
  );
}

/** `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  compare(actual > expected, actual, ">", expected, msg);
}

/** `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  compare(actual >= expected, actual, ">=", expected, msg);
}

/** `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  compare(actual < expected, actual, "<", expected, msg);
}

/** `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  compare(actual <= expected, actual, "<=", expected, msg);
}

function compare(holds: boolean, a: unknown, sign: string, b: unknown, msg?: string): void {
  if (!holds) throw new AssertionError(msg ?? `Expect ${format(a)} ${sign} ${format(b)}`);
}
