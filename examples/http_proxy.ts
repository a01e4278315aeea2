/**
 * A local proxy in front of any tunnel: HTTP (CONNECT and absolute-form) and SOCKS5 (with UDP ASSOCIATE) on one port, for programs that
 * know how to use one. `GET /` names the proxy in use.
 *
 *     deno run -A examples/http_proxy.ts --proxy https://proxy.example --listen 127.0.0.1:8080
 *     curl -x http://127.0.0.1:8080 https://example.com
 *     curl --socks5-hostname 127.0.0.1:8080 https://example.com
 *     curl http://127.0.0.1:8080/
 *
 * @module
 */

import { serveLocalProxy } from "./shared/local_proxy.ts";
import {
  endOfProgram,
  openRoad,
  program,
  readArgs,
  readEndpoint,
  ROAD_HELP,
  ROAD_OPTIONS,
} from "./shared/road.ts";

const HELP = `Usage: http_proxy.ts [OPTIONS]

A local HTTP and SOCKS5 proxy whose every connection goes through a tunnel.

  --listen HOST:PORT  where programs find it; 127.0.0.1:8080 unless given, port 0 takes a free one${ROAD_HELP}`;

await program(async () => {
  const options = {
    ...ROAD_OPTIONS,
    listen: { type: "string", default: "127.0.0.1:8080" },
  } as const;
  const { values } = readArgs({ args: Deno.args, options });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const endpoint = readEndpoint(values.listen);
  await using road = await openRoad(values);
  await using server = await serveLocalProxy(road.client, endpoint);
  console.error(`listening http://${server.hostname}:${server.port} ${road.client.description}`);
  await endOfProgram();
  return 0;
});
