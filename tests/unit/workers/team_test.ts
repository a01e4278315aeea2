import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { createLog, DeviceError, MemoryClient, serveProxy } from "../../../mod.ts";
import { ffiIsUsable } from "../../../src/sockets/libc.ts";
import { libc, O_CLOEXEC, O_NONBLOCK } from "../../../src/tun/ffi.ts";
import type { TunQueue } from "../../../src/tun/linux.ts";
import { Chorus } from "../../../src/workers/chorus.ts";
import { startTeam } from "../../../src/workers/team.ts";
import { requires } from "../../support/requires.ts";

// The library stays open for the life of the program: opened before any test, no sanitizer takes it for a leak.
if (Deno.build.os === "linux" && ffiIsUsable()) libc();
const NEEDS = requires();
const SILENCE = new Chorus(createLog("off", () => {}));

const hire = () => new Worker(new URL("./plain_worker.ts", import.meta.url), { type: "module" });

/** Descriptors that are no device, and wait for nothing. */
function queues(count: number): TunQueue[] {
  return Array.from({ length: count }, () => ({
    fd: libc().eventfd(0, O_CLOEXEC | O_NONBLOCK),
    name: "tun0",
    mtu: 1500,
    hasHeader: false,
    udpOffload: false,
  }));
}

Deno.test(
  "a worker that cannot reach the proxy ends the team with one sentence",
  NEEDS,
  async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const url = `http://127.0.0.1:${listener.addr.port}`;
    listener.close();
    await using proxy = new MemoryClient();
    const error = await assertRejects(
      () => startTeam({ queues: queues(2), place: url, hire, proxy, chorus: SILENCE }),
      DeviceError,
    );
    assertMatch(
      error.message,
      /^Worker [12] of 2 failed: Could not reach the proxy http:\/\/\S+: /,
    );
  },
);

Deno.test("a signal gives the start up", NEEDS, async () => {
  // It takes connections, and says nothing: a worker that wants TLS of it waits.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const place = `https://127.0.0.1:${listener.addr.port}`;
  await using proxy = new MemoryClient();
  const ending = new AbortController();
  const starting = startTeam({
    queues: queues(2),
    place,
    hire,
    proxy,
    chorus: SILENCE,
    signal: ending.signal,
  });
  const connection = await listener.accept();
  ending.abort(new Error("enough"));
  await assertRejects(() => starting, Error, "enough");
  connection.close();
});

Deno.test("a team that is closed has not failed, and is closed once", NEEDS, async () => {
  await using server = await serveProxy({ hostname: "127.0.0.1", port: 0, tls: false });
  await using proxy = new MemoryClient();
  await using team = await startTeam({
    queues: queues(2),
    place: server.url,
    hire,
    proxy,
    chorus: SILENCE,
  });
  await Promise.all([team.close(), team.close()]);
  assertEquals(await team.closed, undefined);
});

Deno.test("a fault in a worker ends the team with one sentence", NEEDS, async () => {
  await using proxy = new MemoryClient();
  const error = await assertRejects(
    () => startTeam({ queues: queues(2), place: "a fault", hire, proxy, chorus: SILENCE }),
    DeviceError,
  );
  assertMatch(error.message, /^Worker [12] of 2 failed: .*It fell over$/);
});

Deno.test(
  "what a worker says and learns reaches the main thread in that order",
  NEEDS,
  async () => {
    const heard: string[] = [];
    const chorus = new Chorus(createLog("warn", (level, line) => heard.push(`${level} ${line}`)));
    const learn = (secret: string) => void heard.push(secret);
    await using proxy = new MemoryClient();
    await assertRejects(() =>
      startTeam({ queues: queues(1), place: "a secret", hire, proxy, chorus, learn })
    );
    assertEquals(heard, ["s3cret", "warn It is told before the line that holds it"]);
  },
);
