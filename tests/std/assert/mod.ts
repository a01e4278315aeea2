/**
 * A clean-room stand-in for `@std/assert`, for networks where JSR is blocked: the functions in use, with the same
 * names, signatures and errors. `deno task std` runs the suite against the real package.
 *
 * @module
 */

export { AssertionError } from "./error.ts";
export { equal } from "./equal.ts";
export {
  assertEquals,
  assertNotEquals,
  assertNotStrictEquals,
  assertStrictEquals,
} from "./equals.ts";
export { assertIsError, assertRejects, assertThrows } from "./throws.ts";
export {
  assertAlmostEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertLessOrEqual,
} from "./numbers.ts";
export {
  assert,
  assertArrayIncludes,
  assertExists,
  assertFalse,
  assertInstanceOf,
  assertMatch,
  assertNotMatch,
  assertStringIncludes,
  fail,
  unreachable,
} from "./facts.ts";
