import { assert, assertEquals, assertRejects } from "@std/assert";
import * as net from "node:net";
import { ProxyError } from "../../../../src/errors.ts";
import { type Connection, overSocket } from "../../../../src/tunnel/connection/connection.ts";
import { Reach } from "../../../../src/tunnel/road/reach.ts";
import { DEFAULT_TIMEOUTS, type ProxySettings } from "../../../../src/tunnel/settings.ts";

const PROXY: ProxySettings = {
  scheme: "https",
  hostname: "proxy.example",
  port: 443,
  trust: {},
  fields: [],
  timeouts: { ...DEFAULT_TIMEOUTS, retryMs: 20, retryMaxMs: 40 },
  udp: { template: "", draft03: false },
  name: "https://proxy.example",
};

const forever = new AbortController().signal;
const connection = (): Connection => ({
  ...overSocket(new net.Socket()),
  remoteAddress: "192.0.2.1",
});

/** A reach whose proxy is there or not, as the test likes, and the attempts made on it. */
function setting(timeouts: Partial<ProxySettings["timeouts"]> = {}) {
  const state = { there: true, attempts: 0, told: [] as string[] };
  const proxy = { ...PROXY, timeouts: { ...PROXY.timeouts, ...timeouts } };
  const reach = new Reach(proxy, async () => {
    state.attempts++;
    await Promise.resolve();
    if (state.there) return connection();
    throw Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
  });
  reach.events = {
    onLost: (error) => state.told.push(error.outcome.kind),
    onFound: () => state.told.push("found"),
  };
  return { reach, state };
}

Deno.test("While a proxy is away, the many who ask at once make few attempts, and share their outcome", async () => {
  const { reach, state } = setting({ retryMs: 60_000, retryMaxMs: 60_000 });
  state.there = false;
  await assertRejects(() => reach.dial(["h2"], forever), ProxyError, "nobody listens there");
  assert(reach.isLost);
  for (let i = 0; i < 100; i++) await assertRejects(() => reach.dial(["h2"], forever), ProxyError);
  assertEquals(state.attempts, 1);
  reach.hurry();
  const asked = Array.from({ length: 100 }, () => reach.dial(["h2"], forever));
  for (const one of await Promise.allSettled(asked)) assertEquals(one.status, "rejected");
  assertEquals([state.attempts, ...state.told], [2, "proxy_unreachable"]);
  reach.close();
});

Deno.test("A flow waits for an attempt that is near, and gets through when the proxy is back", async () => {
  const { reach, state } = setting();
  state.there = false;
  await assertRejects(() => reach.dial(["h2"], forever), ProxyError);
  assertEquals(reach.address, undefined);
  state.there = true;
  await Promise.all([reach.dial(["h2"], forever), reach.dial(["h2"], forever)]);
  assertEquals([reach.isLost, reach.address], [false, "192.0.2.1"]);
  assertEquals(state.told, ["proxy_unreachable", "found"]);
  reach.close();
});

Deno.test("The owner is asked to try again, each time later, until the proxy is back", async () => {
  const { reach, state } = setting();
  const back = Promise.withResolvers<void>();
  reach.events = {
    onRetry: () => {
      if (state.attempts === 4) state.there = true;
      reach.dial(["h2"], forever).catch(() => {});
    },
    onFound: () => back.resolve(),
  };
  state.there = false;
  await assertRejects(() => reach.dial(["h2"], forever), ProxyError);
  const alive = setInterval(() => {}, 1_000); // the timer inside keeps no process alive
  await back.promise;
  clearInterval(alive);
  assertEquals(state.attempts, 5);
  reach.close();
});

Deno.test("Who waits for the next attempt can give up, and close gives up for all", async () => {
  const { reach, state } = setting({ retryMs: 900, retryMaxMs: 900 });
  state.there = false;
  await assertRejects(() => reach.dial(["h2"], forever), ProxyError);
  const patience = new AbortController();
  const waiting = reach.dial(["h2"], patience.signal);
  patience.abort(new Error("enough"));
  await assertRejects(() => waiting, Error, "enough");
  const other = reach.dial(["h2"], forever);
  reach.close();
  await assertRejects(() => other, DOMException, "closed");
  assertEquals(state.attempts, 1);
});
