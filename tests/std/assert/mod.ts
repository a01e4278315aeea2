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

// deno-lint-ignore no-explicit-any -- the real package's type: a constructor of any arguments
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

export function assertThrows(fn: () => unknown, msg?: string): unknown;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  classOrMsg?: ErrorClass<E> | string,
  msgIncludesOrMsg?: string,
  msg?: string,
): E | Error | unknown {
  try {
    fn();
  } catch (error) {
    return checkError(error, classOrMsg, msgIncludesOrMsg, msg);
  }
  throw new AssertionError(`Expected function to throw${suffix(classOrMsg, msg)}`);
}

export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: ErrorClass<E> | string,
  msgIncludesOrMsg?: string,
  msg?: string,
): Promise<E | Error | unknown> {
  try {
    await fn();
  } catch (error) {
    return checkError(error, classOrMsg, msgIncludesOrMsg, msg);
  }
  throw new AssertionError(`Expected function to reject${suffix(classOrMsg, msg)}`);
}

export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to contain: "${expected}"${suffix(undefined, msg)}`,
  );
}

export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to match: "${expected}"${suffix(undefined, msg)}`,
  );
}

function checkError<E extends Error>(
  error: unknown,
  classOrMsg: ErrorClass<E> | string | undefined,
  msgIncludes: string | undefined,
  msg: string | undefined,
): unknown {
  if (typeof classOrMsg !== "function") return error;
  const expected = `Expected error to be instance of "${classOrMsg.name}"`;
  if (!(error instanceof classOrMsg)) {
    throw new AssertionError(
      `${expected}, but was "${error instanceof Error ? error.constructor.name : typeof error}"${
        suffix(undefined, msg)
      }`,
    );
  }
  if (msgIncludes !== undefined && !error.message.includes(msgIncludes)) {
    throw new AssertionError(
      `Expected error message to include "${msgIncludes}", but got "${error.message}"${
        suffix(undefined, msg)
      }`,
    );
  }
  return error;
}

function suffix(classOrMsg: unknown, msg: string | undefined): string {
  const words = typeof classOrMsg === "string" ? classOrMsg : msg;
  return words === undefined ? "." : `: ${words}`;
}
