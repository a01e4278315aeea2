/**
 * What an idle connection costs, layer by layer, each in a process of its own. No root.
 *
 *     deno task idle [--count N] [LAYER...]
 *
 * @module
 */

import { parseArgs } from "node:util";
import { requireTool } from "../../support/tools.ts";
import { startEmbeddedProxy, startHttp3Proxy } from "../../support/pseudotcp.ts";
import { startProcess } from "../../support/process.ts";
import type { Far, Layer } from "./layers.ts";
import { LAYERS } from "./layers.ts";
import type { Reading } from "./reading.ts";

const here = (name: string) => new URL(name, import.meta.url).pathname;
const FLAGS = ["run", "-A", "--unstable-net"];

async function measure(name: string, layer: Layer, count: number): Promise<Reading> {
  await using stack = new AsyncDisposableStack();
  const hostname = "127.0.0.1";
  const echo = stack.use(
    startProcess(Deno.execPath(), [...FLAGS, here("../works/load.ts"), "serve", hostname]),
  );
  const [, port] = await echo.waitFor(/serving (\d+)/, 10_000);
  let far: Far = { hostname, port: Number(port) };
  if (layer.http !== undefined) {
    const flags = [
      "--allow",
      "127.0.0.0/8",
      "--client-flows",
      "20000",
      ...(layer.tls ? [] : ["--plain"]),
    ];
    const start = layer.http === "3" ? startHttp3Proxy : startEmbeddedProxy;
    const proxy = stack.use(await start(...flags));
    far = { ...far, proxy: `${layer.tls ? "https" : "http"}://${proxy.authority}`, pin: proxy.pin };
  }
  const args = [...FLAGS, "--v8-flags=--expose-gc", here("one.ts"), name, `${count}`];
  const { stdout, stderr, success } = await new Deno.Command(requireTool("deno"), {
    args: [...args, JSON.stringify(far)],
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (!success) throw new Error(`${name}: ${text}${new TextDecoder().decode(stderr)}`);
  return JSON.parse(text);
}

const { values, positionals } = parseArgs({
  args: Deno.args,
  options: { count: { type: "string", default: "10000" } },
  allowPositionals: true,
});
console.log(`${"bytes each".padStart(30)}      heap  external  resident`);
for (const [name, layer] of Object.entries(LAYERS)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const { heap, external, resident } = await measure(name, layer, Number(values.count));
  const figures = [heap, external, resident].map((bytes) => bytes.toFixed(0).padStart(10));
  console.log(`${name.padStart(30)}${figures.join("")}  ${layer.words}`);
}
