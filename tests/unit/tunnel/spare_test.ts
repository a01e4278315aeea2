import { assert, assertEquals } from "@std/assert";
import { connectProxy } from "../../../src/tunnel/proxy_client.ts";
import type { ConnectedProxy } from "../../../src/tunnel/road/road.ts";
import { echo } from "../../support/far_side.ts";
import { readConnection } from "../../support/origin.ts";
import { serveH1 } from "../../support/tunnel_servers.ts";
import { connectTo } from "./roads.ts";

Deno.test("a first connection that the proxy has ended is replaced, not waited on", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    (await listener.accept()).close(); // FIN, before anything was asked
    using second = await listener.accept();
    await second.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n"));
    for await (const _ of readConnection(second)); // until the client goes
  })();
  const client = await connectProxy(`http://127.0.0.1:${listener.addr.port}`);
  // The FIN arrives in one of these turns; whether before or after the request, the answer is the same.
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
  const signal = AbortSignal.timeout(5_000); // long before silence is taken for an answer
  const tunnel = await client.connect({ hostname: "origin.example", port: 443 }, { signal });
  assert(tunnel.ok);
  await client.close();
  await serving.catch(() => {}); // a reset is how the client goes
});

Deno.test("a proxy whose TLS knows HTTP/1.1 alone has a connection ready for the first flow", async () => {
  await using server = await serveH1(echo, { tls: true });
  await using client = await connectTo(server, true, { http: "auto" }) as ConnectedProxy;
  assertEquals([client.description.slice(-10), client.connections], ["(HTTP/1.1)", 1]);
  const tunnel = await client.connect({ hostname: "origin.example", port: 443 });
  assert(tunnel.ok);
  assertEquals(client.connections, 1); // the one that stood
  await tunnel.readable.cancel();
});
