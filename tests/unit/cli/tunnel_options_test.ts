import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseOptions, type UpCommand } from "../../../src/cli/options.ts";
import { firstHop, type TunnelOptions } from "../../../src/cli/tunnel_options.ts";
import { UsageError } from "../../../src/cli/usage_error.ts";

const CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
const KEY = "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n";
const FILES: Record<string, string> = { cert: CERTIFICATE, key: KEY, secret: "s3cret\n" };

function tunnel(line: string, env: Record<string, string> = {}): TunnelOptions {
  const around = {
    env: (name: string) => env[name],
    readTextFile: (path: string) => FILES[path] ?? "",
  };
  return (parseOptions(["up", ...line.split(" ")], around) as UpCommand).tunnel;
}

function refused(line: string, words: string, env?: Record<string, string>): void {
  const { message } = assertThrows(() => tunnel(line, env), UsageError, words);
  assert(/^[A-Z][^\n]*[^.\n]$/.test(message) && !message.includes("s3cret"), message);
}

Deno.test("What stands behind a --proxy is about that one, and what stands before the first about the first", () => {
  const last = tunnel(
    "--http 2 --proxy https://a.example --token one --proxy https://b.example --basic u:two --insecure --proxy http://c.example",
  );
  const [c, b, a] = [last, last.via!, last.via!.via!];
  assertEquals([a, b, c].map(({ proxy }) => (proxy as URL).hostname), [
    "a.example",
    "b.example",
    "c.example",
  ]);
  assertEquals([a, b, c].map(({ http }) => http), ["2", "auto", "auto"]);
  assertEquals([a, b, c].map(({ insecure }) => insecure), [false, true, false]);
  assertEquals([a, b, c].map(({ credentials }) => credentials), [
    { token: "one" },
    { basic: "u:two" },
    {},
  ]);
  assertEquals(a.via, undefined);
  assertEquals(firstHop(last), a);
});

Deno.test("An option of one proxy stands once, and again for the next one", () => {
  refused("--proxy https://a --token x --token y", "stands twice");
  assertEquals(tunnel("--proxy https://a --token x --proxy https://b --token y").credentials, {
    token: "y",
  });
  refused("--proxy https://a --proxy embedded", "stands alone");
  refused("--proxy embedded --proxy https://a", "stands alone");
  refused("--proxy http://a --insecure --proxy https://b", "needs --proxy https://HOST");
});

Deno.test("A secret of the environment is for one proxy", () => {
  const env = { PSEUDOTCP_TOKEN: "s3cret" };
  assertEquals(tunnel("--proxy https://a", env).credentials, { token: "s3cret" });
  refused("--proxy https://a --proxy https://b", "environment is for one proxy", env);
  const both = tunnel("--proxy https://a --token x --proxy https://b --token y", env);
  assertEquals([both.credentials, both.via!.credentials], [{ token: "y" }, { token: "x" }]);
});

Deno.test("Files and commands for secrets are kept, to be asked again", () => {
  const from = (option: string) => {
    const { credentials, credentialsFile, tokenCommand, privateTokens } = tunnel(
      `--proxy https://a ${option}`,
    );
    return { credentials, credentialsFile, tokenCommand, privateTokens };
  };
  const none = { credentialsFile: undefined, tokenCommand: undefined, privateTokens: undefined };
  assertEquals(from("--token @secret"), {
    ...none,
    credentials: { token: "s3cret" },
    credentialsFile: "secret",
  });
  assertEquals(from("--privacy-token @secret"), {
    ...none,
    credentials: { privacyToken: "s3cret" },
    credentialsFile: "secret",
  });
  assertEquals(from("--token-command pass"), { ...none, credentials: {}, tokenCommand: "pass" });
  assertEquals(from("--pass-tokens f"), {
    ...none,
    credentials: {},
    privateTokens: { file: "f" },
  });
  assertEquals(from("--pass-command c").privateTokens, { command: "c" });
});

Deno.test("A client certificate comes with its key, and with TLS", () => {
  assertEquals(tunnel("--proxy https://a --client-cert cert --client-key key").identity, {
    cert: CERTIFICATE,
    key: KEY,
  });
  refused("--proxy https://a --client-cert cert", "need each other");
  refused("--proxy https://a --client-cert key --client-key key", "finds no PEM certificate");
  refused("--proxy http://a --client-cert cert --client-key key", "about certificates");
});

Deno.test("--ping takes two numbers of seconds", () => {
  assertEquals(tunnel("--proxy https://a --ping 0.5,2").ping, { idle: 0.5, wait: 2 });
  for (const bad of ["3", "3,", "0,1", "1,0.01", "a,b", "1,2,3", "1e3,2"]) {
    refused(`--proxy https://a --ping ${bad}`, "two numbers of seconds");
  }
});

Deno.test("Two ways to say who we are contradict each other", () => {
  const ways = [
    "--token s3cret",
    "--basic a:s3cret",
    "--token-command s3cret",
    "--privacy-token s3cret",
    "--pass-tokens f",
    "--pass-command s3cret",
  ];
  for (const one of ways) {
    for (const other of ways) {
      if (one !== other) refused(`--proxy https://a ${one} ${other}`, "exclude each other");
    }
    refused(`--proxy https://a --header=Proxy-Authorization:x ${one}`, "--header or from");
    refused(`--proxy embedded ${one}`, "its own secrets");
  }
});
