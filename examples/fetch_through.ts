/**
 * `fetch`, through a tunnel, in two ways: with `fetchThrough`, where every byte takes the tunnel and no door is opened on this machine; and
 * with the runtime's own `fetch` and a client of it, which goes through a local proxy.
 *
 *     deno run -A examples/fetch_through.ts --proxy https://proxy.example https://example.com
 *     deno run -A examples/fetch_through.ts --proxy https://proxy.example --client https://example.com
 *
 * @module
 */

import { fetchThrough } from "../mod.ts";
import { serveLocalProxy } from "./shared/local_proxy.ts";
import { openRoad, program, readArgs, ROAD_HELP, ROAD_OPTIONS, Usage } from "./shared/road.ts";

const HELP = `Usage: fetch_through.ts [OPTIONS] URL

Fetches URL through a tunnel and writes its body to standard output.

  --client        with the runtime's fetch and Deno.createHttpClient, through a local proxy${ROAD_HELP}`;

/** Writes a body out; the status is an exit status. */
async function show(response: Response): Promise<number> {
  console.error(`${response.status} ${response.url}`);
  await response.body?.pipeTo(Deno.stdout.writable, { preventClose: true });
  return response.ok ? 0 : 1;
}

await program(async () => {
  const options = { ...ROAD_OPTIONS, client: { type: "boolean" } } as const;
  const { values, positionals } = readArgs({ args: Deno.args, options, allowPositionals: true });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const [url] = positionals;
  if (url === undefined) throw new Usage("Say what to fetch: fetch_through.ts [OPTIONS] URL");
  await using road = await openRoad(values);
  if (!values.client) {
    await using fetch = fetchThrough(road.client);
    return await show(await fetch(url));
  }
  await using local = await serveLocalProxy(road.client, { hostname: "127.0.0.1", port: 0 });
  using client = Deno.createHttpClient({ proxy: { url: `http://127.0.0.1:${local.port}` } });
  return await show(await fetch(url, { client }));
});
