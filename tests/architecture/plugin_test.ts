import { assert, assertEquals } from "@std/assert";
import plugin from "./plugin.ts";

/** The rules that object to `source`, at a path of the library. The opening comment is put in front. */
function objections(path: string, source: string, opened = true): string[] {
  const text = opened ? `/**\n * A room.\n *\n * @module\n */\n${source}\n` : source;
  return Deno.lint.runPlugin(plugin, path, text).map(({ id }) => id.replace("house/", ""));
}

const arrow = (path: string, source: string) => objections(path, source).includes("arrows");

Deno.test("an import along an arrow passes, one against it does not", () => {
  assert(!arrow("src/tcp/a.ts", 'import { b } from "../wire/b.ts";'));
  assert(arrow("src/wire/a.ts", 'import { b } from "../tcp/b.ts";'));
  assert(arrow("src/flow/a.ts", 'import { b } from "../tunnel/b.ts";'));
  assert(arrow("src/tunnel/a.ts", 'import { b } from "../flow/b.ts";'));
  assert(arrow("src/stack/a.ts", 'import type { b } from "../flow/b.ts";'));
  assert(arrow("src/run.ts", 'import { b } from "./cli/b.ts";'));
  assert(!arrow("src/run.ts", 'import { b } from "./tunnel/b.ts";'));
  assert(!arrow("src/wire/a.ts", 'import { b } from "../bytes.ts";'));
});

Deno.test("an import is seen in each of its five forms", () => {
  for (
    const source of [
      'import { b } from "../tcp/b.ts";',
      'export { b } from "../tcp/b.ts";',
      'export * from "../tcp/b.ts";',
      'const b = await import("../tcp/b.ts");',
      'let b: import("../tcp/b.ts").B;',
    ]
  ) assert(arrow("src/wire/a.ts", source), source);
});

Deno.test("an arrow for types lets nothing else through", () => {
  assert(!arrow("src/relay.ts", 'import type { Flow } from "./flow/types.ts";'));
  assert(!arrow("src/relay.ts", 'import { type Flow } from "./flow/types.ts";'));
  assert(arrow("src/relay.ts", 'import { open, type Flow } from "./flow/types.ts";'));
  assert(arrow("src/relay.ts", 'import "./flow/types.ts";'));
});

Deno.test("an arrow to one file does not open its room", () => {
  assert(!arrow("src/policy/a.ts", 'import { b } from "../wire/address.ts";'));
  assert(arrow("src/policy/a.ts", 'import { b } from "../wire/tcp.ts";'));
});

Deno.test("mod.ts reaches the command line lazily only", () => {
  assert(!arrow("mod.ts", 'await import("./src/cli/main.ts");'));
  assert(arrow("mod.ts", 'import "./src/cli/main.ts";'));
});

Deno.test("what breaks an import by URL is refused", () => {
  const from = (specifier: string) => `import { b } from "${specifier}";`;
  assert(arrow("src/tun/a.ts", from("jsr:@std/streams@^1")));
  assert(arrow("src/tun/a.ts", from("@std/streams")));
  assert(arrow("src/tun/a.ts", from("https://example.com/mod.ts")));
  assert(arrow("src/tun/a.ts", from("../support/tools.ts")));
  assert(arrow("src/tun/a.ts", from("npm:fast-check@4.0.0")));
  assert(arrow("src/tun/a.ts", 'await import("npm:fast-check");'));
  assert(arrow("src/tun/a.ts", "await import(name);"));
  assert(!arrow("src/tun/a.ts", 'await import("npm:@scope/name@4.0.0");'));
  assert(!arrow("src/tun/a.ts", 'await import("npm:@scope/name@4.0.0" as string);'));
  assert(arrow("src/tun/a.ts", 'await import("npm:name" as string);'));
  assert(!arrow("src/tun/a.ts", from("node:http2")));
  assert(arrow("src/wire/a.ts", from("node:http2")));
});

Deno.test("a pure room has no clock, no chance, no waiting and no world", () => {
  for (
    const source of [
      "const now = Date.now();",
      "const p: Promise<void> | undefined = undefined;",
      "const f = async () => {};",
      "async function f() {}",
      "const o = { async f() {} };",
      "const p = await 1;",
      "const r = Math.random();",
      "const t = setTimeout;",
      "const b = crypto.getRandomValues(bytes);",
      "const n = performance.now();",
      "const o = { Deno };",
      "const d = globalThis['Date'];",
    ]
  ) {
    assert(objections("src/wire/a.ts", source).includes("pure"), source);
    assertEquals(objections("src/tun/a.ts", source), [], source);
  }
});

Deno.test("a member that only bears a forbidden name is no offence", () => {
  for (
    const source of ["const a = packet.Date;", "const a = { crypto: 1 };", "let a: { Date: 1 };"]
  ) {
    assertEquals(objections("src/wire/a.ts", source), [], source);
  }
});

Deno.test("only the command line writes to the console", () => {
  assertEquals(objections("src/tun/a.ts", "console.log(1);"), ["console"]);
  assertEquals(objections("src/cli/a.ts", "console.log(1);"), []);
});

Deno.test("a long file and a long function are refused", () => {
  const body = (lines: number) => `function f() {\n${"f();\n".repeat(lines - 2)}}`;
  assertEquals(objections("src/tun/a.ts", body(60)), []);
  assertEquals(objections("src/tun/a.ts", body(61)), ["size"]);
  assertEquals(objections("src/tun/a.ts", `const f = ${body(61)}`), ["size"]);
  assertEquals(objections("src/tun/a.ts", `const f = () => ${body(61).slice(13)}`), ["size"]);
  assertEquals(objections("src/tun/a.ts", "f();\n".repeat(294)), []);
  assertEquals(objections("src/tun/a.ts", "f();\n".repeat(296)), ["size"]);
});

Deno.test("a file opens with what lives in it", () => {
  assertEquals(objections("src/tun/a.ts", "const a = 1;\n", false), ["opening"]);
  assertEquals(objections("src/tun/a.ts", "/** A device. */\nconst a = 1;\n", false), ["opening"]);
});

Deno.test("what is exported is documented", () => {
  assertEquals(objections("src/tun/a.ts", "export const a = 1;"), ["documented"]);
  assertEquals(objections("src/tun/a.ts", "// a\nexport function f() {}"), ["documented"]);
  assertEquals(objections("src/tun/a.ts", "/** a */\nexport const a = 1;"), []);
  const overloads = "/** a */\nexport function f(): void;\nexport function f(a?: 1): void {}";
  assertEquals(objections("src/tun/a.ts", overloads), []);
});

Deno.test("exports have names, classes have #, enums do not exist", () => {
  for (
    const source of [
      "export default 1;",
      "enum A { b }",
      "class A { private b = 1; }",
      "class A { protected b() {} }",
      'export * from "./b.ts";',
    ]
  ) assertEquals(objections("src/tun/a.ts", source), ["shape"], source);
});

Deno.test("outside of the library the rules are silent", () => {
  assertEquals(objections("tests/support/a.ts", "export default console;", false), []);
});
