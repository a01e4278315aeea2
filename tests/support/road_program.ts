/**
 * A program that holds a tunnel through a proxy, and says on standard output what becomes of its road.
 *
 *     road_program.ts PROXY TARGET_HOST TARGET_PORT
 *
 * @module
 */

import { connectProxy } from "../../src/tunnel/proxy_client.ts";
import { createLog } from "../../src/log.ts";

const [url, hostname, port] = Deno.args;
const log = createLog("info", (_level, line) => console.log(line));
await using proxy = await connectProxy(url, {
  http: "2",
  log,
  timeouts: { pingIdleMs: 500, pingWaitMs: 1_000, dialMs: 2_000, retryMaxMs: 500 },
});
const target = { hostname, port: Number(port) };

async function open(): Promise<void> {
  const tunnel = await proxy.connect(target);
  if (!tunnel.ok) throw new Error(tunnel.outcome.detail);
  console.log(`open, at ${proxy.address}`);
  const { reason } = await tunnel.closed;
  console.log(`ended by ${reason}`);
}

await open();
// The next one waits for the proxy, as a program that is tried again does.
for (;;) {
  try {
    await open();
    break;
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
