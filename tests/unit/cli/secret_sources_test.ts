import { assertEquals, assertMatch } from "@std/assert";
import {
  commandSecret,
  commandTokens,
  fileSecret,
  fileTokens,
} from "../../../src/cli/secret_sources.ts";
import { createLog } from "../../../src/log.ts";
import { readTokenChallenges } from "../../../src/masque/private_token.ts";
import { createTokenAuthority } from "../../../src/proxy/private_tokens.ts";

/** A file in a folder of its own, and what the sources say. */
async function setting(text = "") {
  const folder = await Deno.makeTempDir({ prefix: "pseudotcp-secrets-" });
  const path = `${folder}/secret`;
  await Deno.writeTextFile(path, text, { mode: 0o600 });
  const lines: string[] = [];
  const learnt: string[] = [];
  return {
    folder,
    path,
    lines,
    learnt,
    watch: {
      log: createLog("info", (level, line) => lines.push(`${level}: ${line}`)),
      learn: (secret: string) => void learnt.push(secret),
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("A file is read again when its secret is refused, and stays when the file is gone", async () => {
  await using at = await setting("one\n");
  const secret = fileSecret(at.path, "one", at.watch);
  assertEquals(await secret(), "one");
  await Deno.writeTextFile(at.path, "two\r\n");
  assertEquals(await secret("one"), "two");
  assertEquals(await secret(), "two");
  assertEquals(at.learnt, ["two"]);
  await Deno.remove(at.path);
  assertEquals(await secret("two"), "two");
  assertEquals(await secret("two"), "two");
  assertMatch(at.lines.join("\n"), /^info: The credentials in .* are new\nwarn: Cannot read .*$/);
});

Deno.test("A file that changed is noticed without a refusal", async () => {
  await using at = await setting("one");
  const secret = fileSecret(at.path, "one", at.watch);
  await Deno.writeTextFile(at.path, "two");
  const deadline = performance.now() + 20_000;
  while (await secret() !== "two") {
    if (performance.now() > deadline) throw new Error("the file was not looked at again");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

Deno.test("A command runs once, and again when what it printed is refused", async () => {
  await using at = await setting("0");
  const counted = `n=$(($(cat ${at.path}) + 1)); printf %s $n > ${at.path}; echo token$n`;
  const secret = commandSecret(counted, at.watch);
  assertEquals(await Promise.all([secret(), secret()]), ["token1", "token1"]);
  assertEquals(await secret("token1"), "token2");
  assertEquals(await secret(), "token2");
  assertEquals(at.learnt, ["token1", "token2"]);
});

Deno.test("A command that fails gives nothing, and its text stays out of the log", async () => {
  await using at = await setting();
  for (const command of ["exit 3; s3cret", "true s3cret", "kill -9 $$ s3cret"]) {
    assertEquals(await commandSecret(command, at.watch)(), undefined);
  }
  assertEquals(at.lines, [
    "warn: The command for credentials failed with status 3",
    "warn: The command for credentials printed nothing",
    "warn: The command for credentials ended by SIGKILL",
  ]);
});

Deno.test("Tokens of a file are for their challenge, and leave the file", async () => {
  await using at = await setting();
  const authority = await createTokenAuthority("issuer.example", [1]);
  const [challenge] = readTokenChallenges(authority.challenges[0]);
  const tokens = await authority.issue(challenge.bytes, 2);
  await Deno.writeTextFile(at.path, ["# a comment", ...tokens, ""].join("\n"));
  const source = fileTokens(at.path, at.watch.log);
  assertEquals(await source(challenge), [tokens[0]]);
  assertEquals(await source({ ...challenge, type: 2 }), []);
  assertEquals(await source(challenge), [tokens[1]]);
  assertEquals(await source(challenge), []);
  assertEquals(await Deno.readTextFile(at.path), "# a comment\n");
  assertEquals((await Deno.stat(at.path)).mode! & 0o777, 0o600);
  assertMatch(at.lines.join("\n"), /No token in .* is for the challenge of "issuer.example"/);
});

Deno.test("A command for tokens finds the challenge in its environment", async () => {
  await using at = await setting();
  const authority = await createTokenAuthority("issuer.example", [1]);
  const [challenge] = readTokenChallenges(authority.challenges[0]);
  const command =
    'echo "$PSEUDOTCP_CHALLENGE"; echo "$PSEUDOTCP_TOKEN_KEY"; echo "$PSEUDOTCP_ISSUER"';
  const [bytes, key] = await commandTokens(command, at.watch.log)(challenge);
  const encode = (b: Uint8Array) => b.toBase64({ alphabet: "base64url" });
  assertEquals([bytes, key], [encode(challenge.bytes), encode(challenge.tokenKey!)]);
});
