import { assertEquals, assertStringIncludes } from "@std/assert";

const REQUIRES = new URL("../../support/requires.ts", import.meta.url).href;

/** Runs one test that needs `need`, and gives the exit code and the words. */
async function runTest(need: string, ci: string) {
  const folder = await Deno.makeTempDir({ prefix: "pseudotcp-" });
  try {
    const source = `import { requires } from "${REQUIRES}";
      Deno.test("it runs", requires("${need}"), () => console.log("it ran"));`;
    await Deno.writeTextFile(`${folder}/a_test.ts`, source);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--no-check", "--no-config", "a_test.ts"],
      cwd: folder,
      env: { CI: ci, NO_COLOR: "1" },
    }).output();
    return { code, said: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a test whose needs are met runs", async () => {
  const { code, said } = await runTest("sh", "");
  assertEquals(code, 0);
  assertStringIncludes(said, "it ran");
});

Deno.test("a test whose needs are not met is skipped, with the reason", async () => {
  const { code, said } = await runTest("no-such-program", "");
  assertEquals(code, 0);
  assertStringIncludes(said, "1 ignored");
  assertStringIncludes(said, 'Skipped here: it needs the program "no-such-program"');
});

Deno.test("with CI=true a test whose needs are not met is a failure", async () => {
  const { code, said } = await runTest("no-such-program", "true");
  assertEquals(code, 1);
  assertStringIncludes(said, 'Skipped here: it needs the program "no-such-program"');
});
