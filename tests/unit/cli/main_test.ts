import { assert, assertEquals, assertMatch } from "@std/assert";
import config from "../../../deno.json" with { type: "json" };
import { main } from "../../../src/cli/main.ts";
import { type Terminal, terminalLog } from "../../../src/cli/terminal.ts";
import { VERSION } from "../../../src/cli/version.ts";

/** A terminal that remembers. */
function paper(color = false): Terminal & { readonly outs: string[]; readonly errs: string[] } {
  const [outs, errs]: [string[], string[]] = [[], []];
  return {
    outs,
    errs,
    out: (line) => void outs.push(line),
    err: (line) => void errs.push(line),
    color: { out: color, err: color },
  };
}

Deno.test("help and version go to standard output and end with 0", async () => {
  const terminal = paper();
  assertEquals(await main(["--help"], terminal), 0);
  assertEquals(await main(["up", "--help"], terminal), 0);
  assertEquals(await main(["--version"], terminal), 0);
  assertMatch(terminal.outs[0], /^PseudoTCP carries/);
  assertMatch(terminal.outs[1], /--route CIDR/);
  assertEquals(terminal.outs[2], `PseudoTCP ${VERSION}`);
  assertEquals(terminal.errs, []);
});

Deno.test("the version is the one of the package", () => {
  assertEquals(VERSION, config.version);
});

Deno.test("a command line that cannot be followed gets one line on standard error and ends with 2", async () => {
  for (
    const args of [[], ["fly"], ["up"], ["up", "--proxy", "x"], ["run", "--proxy", "embedded"]]
  ) {
    const terminal = paper();
    assertEquals(await main(args, terminal), 2);
    assertEquals(terminal.outs, []);
    assertEquals(terminal.errs.length, 1);
    assert(!terminal.errs[0].includes("\n"));
  }
});

Deno.test("the log names the level, respects it, and redacts what is secret", () => {
  const terminal = paper();
  const log = terminalLog("info", terminal, ["hunter2", ""]);
  log.info("ready with hunter2");
  log.debug("not said");
  log.error("gone");
  assertEquals(terminal.errs, ["info  ready with [redacted]", "error gone"]);
});

Deno.test("the log is coloured on terminals", () => {
  const terminal = paper(true);
  terminalLog("trace", terminal, []).trace("a packet");
  assertEquals(terminal.errs, ["\x1b[90mtrace\x1b[39m a packet"]);
});
