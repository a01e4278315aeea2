import { AssertionError, suffix } from "./error.ts";
import { equal } from "./equal.ts";
import { describeDifference, format } from "./diff.ts";

/** `actual` and `expected` have the same structure. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  throw new AssertionError(
    `Values are not equal${suffix(msg)}\n${describeDifference(actual, expected)}`,
  );
}

/** `actual` and `expected` differ in structure. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(
    `Expected actual: ${format(actual)} not to be: ${format(expected)}${suffix(msg)}`,
  );
}

/** `actual` is `expected`, by `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const [a, b] = [format(actual), format(expected)];
  throw new AssertionError(
    a === b
      ? `Values have the same structure but are not reference-equal${suffix(msg)}\n\n${a}\n`
      : `Values are not strictly equal${suffix(msg)}\n${describeDifference(actual, expected)}`,
  );
}

/** `actual` is not `expected`, by `Object.is`. */
export function assertNotStrictEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!Object.is(actual, expected)) return;
  throw new AssertionError(
    `Expected "actual" to not be strictly equal to: ${format(expected)}${suffix(msg)}`,
  );
}
