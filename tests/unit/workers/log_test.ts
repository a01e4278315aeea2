import { assertEquals } from "@std/assert";
import { createLog, type LogLevel } from "../../../mod.ts";
import { Chorus } from "../../../src/workers/chorus.ts";
import type { LogMessage } from "../../../src/workers/messages.ts";
import { remoteLog } from "../../../src/workers/remote_log.ts";

function listening(level: LogLevel = "trace") {
  const lines: string[] = [];
  let now = 0;
  const chorus = new Chorus(
    createLog(level, (said, line) => lines.push(`${said} ${line}`)),
    () => now,
  );
  return { chorus, lines, wait: (ms: number) => void (now += ms) };
}

Deno.test("what several workers say at once of the proxy is said once", () => {
  const { chorus, lines, wait } = listening();
  chorus.main.warn("the proxy is gone");
  chorus.say(1, "warn", "the proxy is gone");
  chorus.say(2, "warn", "the proxy is gone");
  chorus.say(2, "warn", "something else");
  wait(6000);
  chorus.say(2, "warn", "the proxy is gone");
  assertEquals(lines, [
    "warn the proxy is gone",
    "warn something else",
    "warn the proxy is gone",
  ]);
});

Deno.test("what one says twice is said twice, and what it says of a flow has its number", () => {
  const { chorus, lines } = listening("debug");
  chorus.say(1, "info", "again");
  chorus.say(1, "info", "again");
  chorus.say(1, "debug", "flow 1: open");
  chorus.say(2, "debug", "flow 1: open");
  chorus.say(2, "trace", "too much");
  assertEquals(lines, [
    "info again",
    "info again",
    "debug worker 1: flow 1: open",
    "debug worker 2: flow 1: open",
  ]);
  assertEquals(chorus.level, "debug");
  assertEquals(listening("off").chorus.level, "off");
});

Deno.test("lines of one turn leave together, and those that nobody can write are counted", async () => {
  const posted: LogMessage[] = [];
  const { log, said } = remoteLog("info", (message) => posted.push(message));
  log.debug("not asked for");
  for (let i = 0; i < 1500; i++) log.info(`line ${i}`);
  await Promise.resolve();
  assertEquals([posted.length, posted[0].lines.length], [1, 1000]);
  said(1000);
  log.info("on it goes");
  await Promise.resolve();
  assertEquals(posted[1].lines, [
    ["warn", "500 lines were left out: nobody could write them so fast"],
    ["info", "on it goes"],
  ]);
});
