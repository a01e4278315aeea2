import { assert, assertEquals } from "@std/assert";
import type { TunnelOptions } from "../../../src/cli/tunnel_options.ts";
import { openRoad, secretsOf } from "../../../src/cli/road.ts";
import { SILENT } from "../../../src/log.ts";
import { ffiIsUsable } from "../../../src/sockets/libc.ts";

ffiIsUsable(); // the library stays open, which no test shall be blamed for

const PLAIN: TunnelOptions = {
  proxy: "embedded",
  http: "auto",
  credentials: {},
  headers: [],
  insecure: false,
  udpDraft03: false,
};

Deno.test("secrets are credentials in every form, and the headers that carry them", () => {
  assertEquals(secretsOf(PLAIN), []);
  assertEquals(secretsOf({ ...PLAIN, credentials: { token: "abc" } }), ["abc"]);
  const basic = secretsOf({ ...PLAIN, credentials: { basic: "user:a:b" } });
  assertEquals(basic, ["user:a:b", btoa("user:a:b"), "a:b"]);
  const headers = [["X-Plain", "seen"], ["proxy-authorization", "PrivacyToken x"]] as const;
  assertEquals(secretsOf({ ...PLAIN, headers }), ["PrivacyToken x"]);
});

Deno.test("the embedded proxy is reached by every version of HTTP, and goes with the road", async () => {
  using origin = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const greeted = (async () => {
    using connection = await origin.accept();
    await connection.write(new TextEncoder().encode("hello"));
  })();
  for (const http of ["auto", "2", "1.1", "fetch"] as const) {
    await using road = await openRoad({ ...PLAIN, http }, SILENT);
    assert(road.client.description.startsWith("https://127.0.0.1:"), road.client.description);
    if (http !== "auto") continue;
    const target = { hostname: "127.0.0.1", port: origin.addr.port };
    const tunnel = await road.client.connect(target);
    assert(tunnel.ok);
    await tunnel.writable.close();
    assertEquals(await new Response(tunnel.readable).text(), "hello");
    await tunnel.closed;
  }
  await greeted;
});
