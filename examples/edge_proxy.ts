/**
 * The proxy's half of `--http fetch` as a plain handler of requests, for a platform that calls a handler and streams both bodies. Here
 * the platform is `Deno.serve`.
 *
 *     PSEUDOTCP_TOKEN=secret deno run -A examples/edge_proxy.ts --listen 127.0.0.1:8443 --cert cert.pem --key key.pem
 *     PSEUDOTCP_TOKEN=secret deno run -A mod.ts run --proxy https://localhost:8443 --ca cert.pem --http fetch -- curl https://example.com
 *
 * On another platform the whole program is
 *
 *     const handler = fetchHandler({ token, road });
 *     export default { fetch: (request) => handler(request) };
 *
 * where `road` opens connections as that platform does: `connect({ hostname, port })` gives two streams.
 *
 * @module
 */

import { fetchHandler } from "../mod.ts";
import { endOfProgram, program, readArgs, readEndpoint, Usage } from "./shared/road.ts";

const HELP = `Usage: edge_proxy.ts [OPTIONS]

Serves tunnels for clients with --http fetch, by POST alone.

  --listen HOST:PORT  where to listen; 127.0.0.1:8443 unless given, port 0 takes a free one
  --cert FILE         PEM certificate; in the clear without one
  --key FILE          PEM private key of the certificate
  --token TOKEN       ask for this token; $PSEUDOTCP_TOKEN serves as well
  --allow CIDR        open a block that is not public, such as 127.0.0.0/8; repeatable
  --help              show this help`;

await program(async () => {
  const text = { type: "string" } as const;
  const { values } = readArgs({
    args: Deno.args,
    options: {
      listen: { ...text, default: "127.0.0.1:8443" },
      cert: text,
      key: text,
      token: text,
      allow: { ...text, multiple: true },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if ((values.cert === undefined) !== (values.key === undefined)) {
    throw new Usage("Options --cert and --key need each other: give both, or none");
  }
  const tls = values.cert === undefined ? {} : {
    cert: await Deno.readTextFile(values.cert),
    key: await Deno.readTextFile(values.key!),
  };
  const token = values.token ?? Deno.env.get("PSEUDOTCP_TOKEN");
  const handler = fetchHandler({ token, allow: values.allow });
  const closing = new AbortController();
  const server = Deno.serve({
    ...readEndpoint(values.listen),
    ...tls,
    signal: closing.signal,
    onListen: ({ hostname, port }) =>
      console.error(`listening http${"cert" in tls ? "s" : ""}://${hostname}:${port}`),
  }, handler);
  await endOfProgram();
  closing.abort();
  await server.finished;
  return 0;
});
