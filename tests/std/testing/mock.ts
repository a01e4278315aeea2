/**
 * A clean-room stand-in for `@std/testing/mock`: spies, stubs, and the assertions on their calls.
 *
 * @module
 */

import { AssertionError } from "../assert/error.ts";
import { equal } from "../assert/equal.ts";
import { describeDifference, format } from "../assert/diff.ts";

/** A mock was used in a way that it does not know. */
export class MockError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "MockError";
  }
}

// deno-lint-ignore no-explicit-any
type Any = any;

/** One call of a spy. */
export interface SpyCall<Self = Any, Args extends unknown[] = Any[], Return = Any> {
  /** The arguments. */
  args: Args;
  /** What was returned, when it returned. */
  returned?: Return;
  /** `this` of the call. */
  self?: Self;
  /** What was thrown, when it threw. */
  error?: Error;
}

/** A function that remembers its calls. */
export interface Spy<Self = Any, Args extends unknown[] = Any[], Return = Any> {
  (this: Self, ...args: Args): Return;
  /** What is called. */
  original: (this: Self, ...args: Args) => Return;
  /** The calls so far. */
  calls: SpyCall<Self, Args, Return>[];
  /** Whether the method was put back. */
  restored: boolean;
  /** Puts the method back. */
  restore(): void;
}

/** A spy on a method; `using` puts the method back. */
export interface MethodSpy<Self = Any, Args extends unknown[] = Any[], Return = Any>
  extends Spy<Self, Args, Return>, Disposable {}

/** A spy with another body in the method's place. */
export interface Stub<Self = Any, Args extends unknown[] = Any[], Return = Any>
  extends MethodSpy<Self, Args, Return> {
  /** What stands in the method's place. */
  fake: (this: Self, ...args: Args) => Return;
}

type Method<Self, Key extends keyof Self> = Self[Key] extends (...args: infer Args) => infer Return
  ? [Args, Return]
  : [Any[], Any];

/** A spy that returns undefined. */
export function spy<Self = Any, Args extends unknown[] = Any[]>(): Spy<Self, Args, undefined>;
/** A spy on a function. */
export function spy<Self, Args extends unknown[], Return>(
  func: (this: Self, ...args: Args) => Return,
): Spy<Self, Args, Return>;
/** A spy on a method, which stays as it is. */
export function spy<Self, Key extends keyof Self>(
  self: Self,
  property: Key,
): MethodSpy<Self, Method<Self, Key>[0], Method<Self, Key>[1]>;
export function spy(target?: Any, property?: PropertyKey): Spy {
  if (property !== undefined) return replaceMethod(target, property, (original) => original);
  const watched = watch(target ?? (() => undefined));
  watched.restore = () => {
    throw new MockError("Cannot restore: function cannot be restored");
  };
  return watched;
}

/** Replaces a method, by default with one that returns undefined, until `restore` or the end of `using`. */
export function stub<Self, Key extends keyof Self>(
  self: Self,
  property: Key,
  func?: (this: Self, ...args: Method<Self, Key>[0]) => Method<Self, Key>[1],
): Stub<Self, Method<Self, Key>[0], Method<Self, Key>[1]> {
  const fake = func ?? (() => undefined as Any);
  const made = replaceMethod(self as Any, property, () => fake as Any);
  return Object.assign(made, { fake }) as Any;
}

/** Fails unless the spy was called `expectedCalls` times. */
export function assertSpyCalls(spy: Spy<Any, Any, Any>, expectedCalls: number): void {
  if (spy.calls.length === expectedCalls) return;
  const few = spy.calls.length < expectedCalls;
  throw new AssertionError(
    few
      ? `Spy not called as much as expected:\n  expected ${expectedCalls}, but got ${spy.calls.length}`
      : `Spy called more than expected:\n  expected ${expectedCalls}, but got ${spy.calls.length}`,
  );
}

/** What a call is expected to have been. */
export interface ExpectedSpyCall<Self = Any, Args extends unknown[] = Any[], Return = Any> {
  args?: [...Args, ...Any[]];
  self?: Self;
  returned?: Return;
  error?: { Class?: new (...args: Any[]) => Any; msgIncludes?: string };
}

/** Fails unless call number `callIndex` was as expected. */
export function assertSpyCall<Self, Args extends unknown[], Return>(
  spy: Spy<Self, Args, Return>,
  callIndex: number,
  expected?: ExpectedSpyCall<Self, Args, Return>,
): void {
  const call = requireCall(spy, callIndex);
  if (expected === undefined) return;
  if (expected.args) assertSpyCallArgs(spy, callIndex, expected.args);
  if ("self" in expected) {
    must(call.self, expected.self, "Spy not called as method on expected self");
  }
  if ("returned" in expected) {
    must(call.returned, expected.returned, "Spy call did not return expected value");
  }
  if ("error" in expected) {
    const { Class = Error, msgIncludes = "" } = expected.error ?? {};
    if (!(call.error instanceof Class) || !String(call.error?.message).includes(msgIncludes)) {
      throw new AssertionError(
        `Spy call did not throw expected error: ${
          format(call.error)
        } is not a "${Class.name}" with "${msgIncludes}"`,
      );
    }
  }
}

/** Fails unless call number `callIndex` had these arguments. */
export function assertSpyCallArgs(
  spy: Spy<Any, Any, Any>,
  callIndex: number,
  expected: readonly unknown[],
): void {
  must(requireCall(spy, callIndex).args, [...expected], "Spy not called with expected args");
}

/** A function that returns the values one after the other, and throws those that are errors. */
export function returnsNext<Return, Self = Any, Args extends unknown[] = Any[]>(
  values: Iterable<Return | Error>,
): (this: Self, ...args: Args) => Return {
  const iterator = values[Symbol.iterator]();
  let calls = 0;
  return () => {
    const next = iterator.next();
    if (next.done) throw new MockError(`Not expected to be called more than ${calls} time(s)`);
    calls++;
    if (next.value instanceof Error) throw next.value;
    return next.value;
  };
}

/** Like {@linkcode returnsNext}, with promises. */
export function resolvesNext<Return, Self = Any, Args extends unknown[] = Any[]>(
  values: Iterable<Return | Error | Promise<Return | Error>>,
): (this: Self, ...args: Args) => Promise<Return> {
  const next = returnsNext<Return | Promise<Return | Error>>(values as Iterable<Return | Error>);
  return async () => {
    const value = await next();
    if (value instanceof Error) throw value;
    return value as Return;
  };
}

function watch(original: (...args: Any[]) => Any): Spy & { restored: boolean } {
  const calls: SpyCall[] = [];
  function watched(this: Any, ...args: Any[]): Any {
    const call: SpyCall = { args };
    if (this !== undefined) call.self = this;
    calls.push(call);
    try {
      return call.returned = original.apply(this, args);
    } catch (error) {
      call.error = error as Error;
      throw error;
    }
  }
  return Object.assign(watched, { original, calls, restored: false, restore: () => {} });
}

function replaceMethod(
  self: Record<PropertyKey, Any>,
  property: PropertyKey,
  choose: (original: (...args: Any[]) => Any) => (...args: Any[]) => Any,
): Stub {
  const original = self[property];
  if (typeof original !== "function") {
    throw new MockError("Cannot spy: property is not an instance method");
  }
  if ("restore" in original && "calls" in original) {
    throw new MockError("Cannot spy: already spying on instance method");
  }
  const own = Object.getOwnPropertyDescriptor(self, property);
  const watched = watch(choose(original));
  const restore = () => {
    if (watched.restored) throw new MockError("Cannot restore: instance method already restored");
    if (own) Object.defineProperty(self, property, own);
    else delete self[property];
    watched.restored = true;
  };
  Object.defineProperty(self, property, {
    value: watched,
    configurable: true,
    enumerable: own?.enumerable ?? false,
    writable: true,
  });
  return Object.assign(watched, { original, restore, [Symbol.dispose]: restore }) as Any;
}

function requireCall(spy: Spy, callIndex: number): SpyCall {
  const call = spy.calls.at(callIndex);
  if (call === undefined) throw new AssertionError("Spy not called as much as expected");
  return call;
}

function must(actual: unknown, expected: unknown, message: string): void {
  if (equal(actual, expected)) return;
  throw new AssertionError(`${message}:\n${describeDifference(actual, expected)}`);
}
