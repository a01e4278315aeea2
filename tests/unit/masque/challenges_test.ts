import { assertEquals } from "@std/assert";
import { parseChallenges } from "../../../src/masque/challenges.ts";

const read = (field: string) =>
  parseChallenges(field).map(({ scheme, params }) => [scheme, Object.fromEntries(params)]);

Deno.test("Challenges of several schemes are told apart", () => {
  assertEquals(read('Basic realm="a, \\"b\\"", charset=UTF-8,Bearer , Digest qop = auth'), [
    ["basic", { realm: 'a, "b"', charset: "UTF-8" }],
    ["bearer", {}],
    ["digest", { qop: "auth" }],
  ]);
  assertEquals(read('Negotiate abc==, PrivateToken challenge=YWI=, token-key="Y-_="'), [
    ["negotiate", {}],
    ["privatetoken", { challenge: "YWI=", "token-key": "Y-_=" }],
  ]);
});

Deno.test("What cannot be read ends the list, and its length is bounded", () => {
  assertEquals(read(""), []);
  assertEquals(read(" , ,"), []);
  assertEquals(read('Basic realm="open'), [["basic", {}]]);
  assertEquals(read("Basic a=b, (garbage)"), [["basic", { a: "b" }]]);
  assertEquals(read(Array.from({ length: 100 }, () => "Bearer").join(", ")).length, 16);
});

Deno.test("Garbage of every kind is read in time that grows with its length", () => {
  for (const unit of ["=", "a", "a=", '"', "\\", 'a="', "a b ", ",", "a,", "(", "a=b ", "a= "]) {
    parseChallenges(unit.repeat(20_000));
  }
});
