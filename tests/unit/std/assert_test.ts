import {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertIsError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
  fail,
  unreachable,
} from "@std/assert";

/** The message of the AssertionError that `fn` throws, found without the functions under test. */
function refusal(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    if (error instanceof AssertionError) return error.message;
    throw error;
  }
  throw new Error("The assertion held, and it must not");
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

Deno.test("equal compares structures", () => {
  const same: [unknown, unknown][] = [
    [0, -0],
    [NaN, NaN],
    [{ a: 1, b: [2] }, { b: [2], a: 1 }],
    [new Set([{ a: 1 }, 2]), new Set([2, { a: 1 }])],
    [new Map([["a", { b: 1 }]]), new Map([["a", { b: 1 }]])],
    [new Uint8Array([1, 2]), new Uint8Array([0, 1, 2]).subarray(1)],
    [new Date(5), new Date(5)],
    [/a/g, /a/g],
    [new URL("http://a/"), new URL("http://a")],
    [new Error("a"), new Error("a")],
  ];
  for (const [a, b] of same) must(equal(a, b), `${Deno.inspect(a)} and ${Deno.inspect(b)} differ`);
});

Deno.test("equal tells different structures apart", () => {
  const different: [unknown, unknown][] = [
    [1, "1"],
    [1, 1n],
    [null, undefined],
    [{ a: undefined }, {}],
    [[1, 2], [1, 2, 3]],
    [[1], { 0: 1 }],
    [new Set([1]), new Set([2])],
    [new Map([["a", 1]]), new Map([["a", 2]])],
    [new Uint8Array([1]), new Uint8Array([2])],
    [new Uint8Array([1]), new Int8Array([1])],
    [new Date(5), new Date(6)],
    [/a/g, /a/],
    [new Error("a"), new Error("b")],
    [{ [Symbol.iterator]: 1 }, {}],
  ];
  for (const [a, b] of different) {
    must(!equal(a, b), `${Deno.inspect(a)} and ${Deno.inspect(b)} do not differ`);
  }
});

Deno.test("equal follows a cycle to its end", () => {
  const ring = () => {
    const value: Record<string, unknown> = { n: 1 };
    value.self = value;
    return value;
  };
  must(equal(ring(), ring()), "two rings differ");
});

Deno.test("assertEquals shows what came and what was expected", () => {
  assertEquals({ a: [1] }, { a: [1] });
  const message = refusal(() => assertEquals(["a", "b"], ["a", "c"], "why"));
  must(message.startsWith("Values are not equal: why"), message);
  // deno-lint-ignore no-control-regex
  const plain = message.replaceAll(/\x1b\[[0-9;]*m/g, "");
  must(/^-\s+"b",$/m.test(plain) && /^\+\s+"c",$/m.test(plain), plain);
});

Deno.test("assertNotEquals refuses equal structures", () => {
  assertNotEquals<unknown>([1], [2]);
  must(refusal(() => assertNotEquals([1], [1])).startsWith("Expected actual: "), "the words");
});

Deno.test("assertStrictEquals asks for the same value, assertNotStrictEquals for another", () => {
  const value = {};
  assertStrictEquals(value, value);
  assertNotStrictEquals(value, {});
  must(refusal(() => assertStrictEquals({}, {})).includes("not reference-equal"), "the words");
  must(refusal(() => assertStrictEquals(1, 2)).includes("not strictly equal"), "the words");
  refusal(() => assertNotStrictEquals(value, value));
});

Deno.test("assert and assertFalse look at truth", () => {
  assert(1);
  assertFalse(0);
  must(refusal(() => assert(0, "why")) === "why", "the message");
  must(refusal(() => assertFalse(1, "why")) === "why", "the message");
});

Deno.test("assertExists lets zero and the empty string pass", () => {
  assertExists(0);
  assertExists("");
  must(refusal(() => assertExists(null)).includes("not be null or undefined"), "the words");
  refusal(() => assertExists(undefined));
});

Deno.test("assertMatch, assertNotMatch, assertStringIncludes and assertArrayIncludes look inside", () => {
  assertMatch("abc", /b/);
  assertNotMatch("abc", /x/);
  assertStringIncludes("abc", "bc");
  assertArrayIncludes([{ a: 1 }, { b: 2 }], [{ b: 2 }]);
  must(refusal(() => assertMatch("abc", /x/)).includes("to match"), "the words");
  must(refusal(() => assertNotMatch("abc", /b/)).includes("to not match"), "the words");
  must(refusal(() => assertStringIncludes("abc", "x")).includes("to contain"), "the words");
  refusal(() => assertArrayIncludes([1], [2]));
});

Deno.test("the comparisons of numbers stand on the right side", () => {
  assertGreater(2, 1);
  assertGreaterOrEqual(2, 2);
  assertLess(1, 2);
  assertLessOrEqual(2, 2);
  must(refusal(() => assertGreater(1, 1)).includes("1 > 1"), "the words");
  must(refusal(() => assertGreaterOrEqual(1, 2)).includes("1 >= 2"), "the words");
  must(refusal(() => assertLess(1, 1)).includes("1 < 1"), "the words");
  must(refusal(() => assertLessOrEqual(2, 1)).includes("2 <= 1"), "the words");
});

Deno.test("assertAlmostEquals has a tolerance", () => {
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertAlmostEquals(10, 11, 1);
  must(refusal(() => assertAlmostEquals(10, 11)).includes("to be close to"), "the words");
  refusal(() => assertAlmostEquals(NaN, 1));
});

Deno.test("assertInstanceOf names both classes", () => {
  assertInstanceOf(new TypeError(), Error);
  const message = refusal(() => assertInstanceOf(new Error(), TypeError));
  must(message.includes('"TypeError"') && message.includes('"Error"'), message);
});

Deno.test("assertIsError looks at class and words", () => {
  assertIsError(new TypeError("abc"), TypeError, "b");
  assertIsError(new TypeError("abc"), TypeError, /^a/);
  refusal(() => assertIsError("abc"));
  refusal(() => assertIsError(new Error("abc"), TypeError));
  refusal(() => assertIsError(new Error("abc"), Error, "x"));
});

Deno.test("assertThrows gives what was thrown", () => {
  const error = new TypeError("abc");
  const fn = () => {
    throw error;
  };
  must(assertThrows(fn) === error, "the error");
  must(assertThrows(fn, TypeError, "b") === error, "the error");
  must(refusal(() => assertThrows(() => {}, "why")) === "Expected function to throw: why", "words");
  refusal(() => assertThrows(fn, RangeError));
  refusal(() => assertThrows(fn, TypeError, "x"));
});

Deno.test("assertRejects waits for the promise", async () => {
  const error = new TypeError("abc");
  must(await assertRejects(() => Promise.reject(error)) === error, "the error");
  must(await assertRejects(() => Promise.reject(error), TypeError, "b") === error, "the error");
  const late = await assertRejects(() => assertRejects(() => Promise.resolve()), AssertionError);
  must(late.message === "Expected function to reject.", late.message);
  const sync = await assertRejects(
    () =>
      assertRejects(() => {
        throw error;
      }),
    AssertionError,
  );
  must(sync.message.startsWith("Function throws when expected to reject"), sync.message);
});

Deno.test("fail and unreachable never return", () => {
  must(refusal(() => fail("why")) === "Failed assertion: why", "the words");
  must(refusal(() => fail()) === "Failed assertion.", "the words");
  must(refusal(() => unreachable()).startsWith("Unreachable"), "the words");
});
