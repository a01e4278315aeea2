import { AssertionError, suffix } from "./error.ts";

// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error = Error> = abstract new (...args: any[]) => E;

/** `error` is an `Error`, of the class and with the words asked for. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: ErrorClass<E>,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  if (!(error instanceof Error)) {
    throw new AssertionError(
      `Expected "error" to be an Error object${suffix(msg)}`,
    );
  }
  if (ErrorClass && !(error instanceof ErrorClass)) {
    throw new AssertionError(
      `Expected error to be instance of "${ErrorClass.name}", but was "${error.constructor?.name}"${
        suffix(msg)
      }`,
      { cause: error },
    );
  }
  if (msgMatches === undefined) return;
  const matches = typeof msgMatches === "string"
    ? error.message.includes(msgMatches)
    : msgMatches.test(error.message);
  if (matches) return;
  const wanted = typeof msgMatches === "string" ? JSON.stringify(msgMatches) : String(msgMatches);
  throw new AssertionError(
    `Expected error message to include ${wanted}, but got ${JSON.stringify(error.message)}${
      suffix(msg)
    }`,
    { cause: error },
  );
}

/** `fn` throws, and gives what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** `fn` throws an error of the class, with the words in its message, and gives it. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  classOrMsg?: ErrorClass | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  const asked = readArguments(classOrMsg, msgIncludes, msg);
  try {
    fn();
  } catch (error) {
    return checkThrown(error, asked);
  }
  throw new AssertionError(`Expected function to throw${suffix(asked.msg)}`);
}

/** `fn` gives a promise that rejects, and the promise here gives the reason. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** `fn` gives a promise that rejects with an error of the class, with the words in its message. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: ErrorClass | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const asked = readArguments(classOrMsg, msgIncludes, msg);
  let promise: unknown;
  try {
    promise = fn();
  } catch (error) {
    throw new AssertionError(`Function throws when expected to reject${suffix(asked.msg)}`, {
      cause: error,
    });
  }
  try {
    await promise;
  } catch (error) {
    return checkThrown(error, asked);
  }
  throw new AssertionError(`Expected function to reject${suffix(asked.msg)}`);
}

interface Asked {
  readonly ErrorClass?: ErrorClass;
  readonly includes?: string;
  readonly msg?: string;
}

function readArguments(classOrMsg?: ErrorClass | string, includes?: string, msg?: string): Asked {
  if (typeof classOrMsg === "string") return { msg: classOrMsg };
  return { ErrorClass: classOrMsg, includes, msg };
}

function checkThrown(error: unknown, { ErrorClass, includes, msg }: Asked): unknown {
  if (ErrorClass === undefined) return error;
  if (!(error instanceof Error)) {
    throw new AssertionError(`A non-Error object was thrown or rejected${suffix(msg)}`);
  }
  assertIsError(error, ErrorClass, includes, msg);
  return error;
}
