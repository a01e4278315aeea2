import { assert, assertEquals, AssertionError, assertRejects, assertThrows } from "@std/assert";
import {
  assertSpyCall,
  assertSpyCallArgs,
  assertSpyCalls,
  MockError,
  resolvesNext,
  returnsNext,
  spy,
  stub,
} from "@std/testing/mock";
import { FakeTime, TimeError } from "@std/testing/time";
import {
  assertType,
  type Has,
  type IsAny,
  type IsExact,
  type IsNever,
  type IsNullable,
  type IsUnknown,
  type NotHas,
} from "@std/testing/types";

Deno.test("a spy remembers arguments, results and errors", () => {
  const half = spy((n: number) => {
    if (n % 2) throw new RangeError(`"${n}" is odd`);
    return n / 2;
  });
  assertEquals(half(4), 2);
  assertThrows(() => half(3), RangeError);
  assertSpyCalls(half, 2);
  assertSpyCall(half, 0, { args: [4], returned: 2 });
  assertSpyCall(half, 1, { args: [3], error: { Class: RangeError, msgIncludes: "odd" } });
  assertSpyCallArgs(half, 0, [4]);
});

Deno.test("the assertions on a spy refuse what was not so", () => {
  const nothing = spy();
  nothing(1);
  assertThrows(() => assertSpyCalls(nothing, 2), AssertionError, "not called as much");
  assertThrows(() => assertSpyCalls(nothing, 0), AssertionError, "called more than expected");
  assertThrows(() => assertSpyCall(nothing, 1), AssertionError, "not called as much");
  assertThrows(() => assertSpyCall(nothing, 0, { args: [2] }), AssertionError, "expected args");
});

Deno.test("a spy on a method calls it, and goes away at the end of its block", () => {
  const counter = {
    n: 1,
    add(by: number) {
      return this.n += by;
    },
  };
  const { add } = counter;
  {
    using watched = spy(counter, "add");
    assertEquals(counter.add(2), 3);
    assertSpyCall(watched, 0, { args: [2], self: counter, returned: 3 });
  }
  assert(counter.add === add);
});

Deno.test("a stub replaces an inherited method and gives it back", () => {
  class Clock {
    read(): number {
      return 1;
    }
  }
  const clock = new Clock();
  const replaced = stub(clock, "read", returnsNext([5, 6]));
  assertEquals([clock.read(), clock.read()], [5, 6]);
  assertThrows(() => clock.read(), MockError);
  replaced.restore();
  assertEquals(clock.read(), 1);
  assertThrows(() => replaced.restore(), MockError);
});

Deno.test("returnsNext and resolvesNext throw the errors among the values", async () => {
  const next = returnsNext<number>([1, new TypeError("gone")]);
  assertEquals(next(), 1);
  assertThrows(() => next(), TypeError, "gone");
  const later = resolvesNext<number>([1, new TypeError("gone")]);
  assertEquals(await later(), 1);
  await assertRejects(() => later(), TypeError, "gone");
});

Deno.test("FakeTime runs timers in the order of their time", () => {
  using time = new FakeTime(1000);
  const seen: [string, number][] = [];
  const note = (what: string) => seen.push([what, Date.now()]);
  setTimeout(note, 20, "late");
  setTimeout(note, 10, "early");
  const interval = setInterval(note, 8, "again");
  time.tick(20);
  clearInterval(interval);
  time.tick(100);
  assertEquals(seen, [["again", 1008], ["early", 1010], ["again", 1016], ["late", 1020]]);
  assertEquals([time.now, time.start, new Date().getTime()], [1120, 1000, 1120]);
});

Deno.test("FakeTime steps to the next timer, and forgets a cleared one", () => {
  using time = new FakeTime(0);
  let ran = 0;
  clearTimeout(setTimeout(() => ran += 100, 5));
  setTimeout(() => ran++, 1000);
  assertEquals([time.next(), time.now, ran], [true, 1000, 1]);
  assertEquals(time.next(), false);
});

Deno.test("FakeTime lets promises between timers run", async () => {
  using time = new FakeTime(0);
  const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  let done = false;
  const work = (async () => {
    await wait(10);
    await wait(10);
    done = true;
  })();
  await time.tickAsync(20);
  await work;
  assertEquals([done, time.now], [true, 20]);
});

Deno.test("FakeTime gives the real clock back, and exists once", () => {
  const { setTimeout: before, Date: date } = globalThis;
  {
    using _time = new FakeTime();
    assertThrows(() => new FakeTime(), TimeError);
    assert(setTimeout !== before);
  }
  assert(setTimeout === before && Date === date);
  assertThrows(() => FakeTime.restore(), TimeError);
});

Deno.test("types compare exactly", () => {
  assertType<IsExact<{ a: 1 }, { a: 1 }>>(true);
  assertType<IsExact<{ a?: 1 }, { a: 1 }>>(false);
  // deno-lint-ignore no-explicit-any
  assertType<IsExact<any, string>>(false);
  assertType<Has<string | number, string>>(true);
  assertType<NotHas<string | number, boolean>>(true);
  // deno-lint-ignore no-explicit-any
  assertType<IsAny<any>>(true);
  assertType<IsNever<never>>(true);
  assertType<IsUnknown<unknown>>(true);
  assertType<IsNullable<string | null>>(true);
  assertType<IsNullable<string>>(false);
});
