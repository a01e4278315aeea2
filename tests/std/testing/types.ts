/**
 * A clean-room stand-in for `@std/testing/types`: assertions that the type checker makes.
 *
 * @module
 */

/** Compiles only when the type argument agrees with the value `true` or `false`. */
export function assertType<T extends boolean>(_expectTrue: T): void {}

/** Fails to compile unless the type is `true`. */
export type AssertTrue<T extends true> = T;

/** Fails to compile unless the type is `false`. */
export type AssertFalse<T extends false> = T;

/** Whether both types are the same, `any` and optional members told apart. */
export type IsExact<T, U> = (<X>() => X extends Mark<T> ? 1 : 2) extends
  (<X>() => X extends Mark<U> ? 1 : 2) ? true : false;

/** Whether `T` has `U` among its members. */
export type Has<T, U> = IsAny<T> extends true ? true
  : IsAny<U> extends true ? false
  : Extract<T, U> extends never ? false
  : true;

/** The opposite of {@linkcode Has}. */
export type NotHas<T, U> = Has<T, U> extends false ? true : false;

/** Whether the type is `any`. */
export type IsAny<T> = 0 extends (1 & T) ? true : false;

/** Whether the type is `never`. */
export type IsNever<T> = [T] extends [never] ? true : false;

/** Whether the type is `unknown`. */
export type IsUnknown<T> = IsAny<T> extends true ? false : unknown extends T ? true : false;

/** Whether null or undefined is among the members. */
export type IsNullable<T> = Extract<T, null | undefined> extends never ? false : true;

/** A place that makes the comparison invariant. */
interface Mark<T> {
  readonly of: T;
  readonly in: (value: T) => void;
}
