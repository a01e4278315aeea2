/**
 * Truthful outcomes, as one suite over every road: what a proxy answers becomes the same refusal of the program whichever HTTP carried the answer,
 * and the same cause at the origin looks the same with a proxy and without.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { ProxyError } from "../../../src/errors.ts";
import type { OutcomeKind, Refusal } from "../../../src/outcome.ts";
import { type EmbeddedProxy, serveProxy } from "../../../src/proxy/proxy.ts";
import { ffiIsUsable } from "../../../src/sockets/libc.ts";
import { DirectClient } from "../../../src/tunnel/local/direct.ts";
import { MemoryClient } from "../../../src/tunnel/local/memory.ts";
import { connectProxy } from "../../../src/tunnel/proxy_client.ts";
import type { ProxyClient } from "../../../src/tunnel/tunnel.ts";
import { echo } from "../../support/far_side.ts";
import { overH3, proxied, type Setting } from "./roads.ts";

ffiIsUsable(); // the library stays open, which no test shall be blamed for

/** An answer, and what the program sees (the table in the design): ICMP and RST by the names of `outcome.ts`. */
interface Row {
  readonly status: number;
  readonly error?: string;
  readonly kind: OutcomeKind;
  readonly refusal: Refusal;
}

const row = (status: number, error: string, kind: OutcomeKind, refusal: Refusal): Row => ({
  status,
  error: error || undefined,
  kind,
  refusal,
});

const ROWS: readonly Row[] = [
  // From `Proxy-Status`, whatever the status.
  row(502, "connection_refused", "connection_refused", "reset"),
  row(502, "destination_ip_unroutable", "destination_ip_unroutable", "host-unreachable"),
  row(502, "dns_error", "dns_error", "host-unreachable"),
  row(504, "dns_timeout", "dns_timeout", "host-unreachable"),
  row(403, "destination_ip_prohibited", "destination_ip_prohibited", "prohibited"),
  row(502, "destination_ip_prohibited", "destination_ip_prohibited", "prohibited"),
  row(504, "connection_timeout", "connection_timeout", "host-unreachable"),
  row(503, "connection_limit_reached", "connection_limit_reached", "host-unreachable"),
  row(500, "proxy_internal_error", "proxy_internal_error", "network-unreachable"),
  row(407, "http_request_denied", "proxy_authentication_required", "prohibited"),
  // From bare statuses.
  row(502, "", "connection_refused", "reset"),
  row(403, "", "http_request_denied", "prohibited"),
  row(401, "", "proxy_authentication_required", "prohibited"),
  row(407, "", "proxy_authentication_required", "prohibited"),
  row(503, "", "destination_unavailable", "host-unreachable"),
  row(504, "", "connection_timeout", "host-unreachable"),
  row(500, "", "proxy_internal_error", "network-unreachable"),
  row(404, "", "proxy_configuration_error", "network-unreachable"),
];

/** `3.example:443` asks for the answer of row 3. */
const rowOf = (authority: string): Row => ROWS[parseInt(authority)];

const statusField = ({ error }: Row): Readonly<Record<string, string>> =>
  error === undefined ? {} : { "proxy-status": `p; error=${error}` };

/** A proxy that gives each target the answer of its row. */
const ANSWERING: Readonly<Record<string, () => Promise<Setting>>> = {
  "HTTP/1.1": () =>
    proxied("1.1", echo, {
      head(authority) {
        const asked = rowOf(authority);
        const said = asked.error === undefined ? "" : `Proxy-Status: p; error=${asked.error}\r\n`;
        return `HTTP/1.1 ${asked.status} No\r\n${said}Content-Length: 0\r\n\r\n`;
      },
    }),
  "HTTP/2": () =>
    proxied("2", echo, {
      respond(authority) {
        const asked = rowOf(authority);
        return { ":status": asked.status, ...statusField(asked) };
      },
    }),
  "HTTP/3": () =>
    overH3(echo, {
      respond(authority) {
        const asked = rowOf(authority);
        return { ":status": String(asked.status), ...statusField(asked) };
      },
    }),
};

const QUIET = { sanitizeOps: true, sanitizeResources: true };

for (const [name, openRoad] of Object.entries(ANSWERING)) {
  Deno.test({
    ...QUIET,
    name: `Outcomes, ${name}: each answer of a proxy is the refusal that it means`,
    async fn() {
      await using setting = await openRoad();
      for (const [i, { status, error, kind, refusal }] of ROWS.entries()) {
        const answer = await setting.client.connect({ hostname: `${i}.example`, port: 443 });
        assert(!answer.ok);
        const { outcome } = answer;
        const what = `${status} ${error ?? ""}`;
        assertEquals(
          [outcome.kind, outcome.refusal, outcome.status],
          [kind, refusal, status],
          what,
        );
        assert(outcome.detail.includes(`${i}.example:443`), outcome.detail);
      }
    },
  });
}

/** A road to real origins. */
interface RealRoad {
  readonly proxy?: EmbeddedProxy;
  readonly client: ProxyClient;
  [Symbol.asyncDispose](): Promise<void>;
}

async function overEmbedded(http: "1.1" | "2" | "3", tls: boolean): Promise<RealRoad> {
  const proxy = await serveProxy({
    tls: tls ? "self-signed" : false,
    http3: http === "3",
    token: "good",
    allow: ["127.0.0.0/8"],
    hosts: { "inside.example": "10.0.0.1" },
  });
  const client = await connectProxy(proxy.url, {
    http,
    token: "good",
    pin: proxy.certificateSha256,
  });
  return {
    proxy,
    client,
    async [Symbol.asyncDispose]() {
      await client.close();
      await proxy.close();
    },
  };
}

const REAL: Readonly<Record<string, () => Promise<RealRoad>>> = {
  "HTTP/1.1 in the clear": () => overEmbedded("1.1", false),
  "HTTP/1.1 in TLS": () => overEmbedded("1.1", true),
  "HTTP/2 in the clear": () => overEmbedded("2", false),
  "HTTP/2 in TLS": () => overEmbedded("2", true),
  "HTTP/3": () => overEmbedded("3", true),
  direct: () => {
    const client = new DirectClient();
    return Promise.resolve({ client, [Symbol.asyncDispose]: () => client.close() });
  },
};

for (const [name, openRoad] of Object.entries(REAL)) {
  const test = (what: string, body: (road: RealRoad) => Promise<void>) =>
    Deno.test({
      ...QUIET,
      name: `Outcomes, ${name}: ${what}`,
      async fn() {
        await using road = await openRoad();
        await body(road);
      },
    });

  const refusalOf = async (client: ProxyClient, hostname: string, port: number) => {
    const answer = await client.connect({ hostname, port });
    assert(!answer.ok);
    return [answer.outcome.kind, answer.outcome.refusal];
  };

  test("a closed port is refused, and a name that is none has no host", async ({ client }) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    assertEquals(await refusalOf(client, "127.0.0.1", port), ["connection_refused", "reset"]);
    const nowhere = await refusalOf(client, "nowhere.invalid", 443);
    assertEquals(nowhere, ["dns_error", "host-unreachable"]);
  });

  if (name === "direct") continue;

  test("an address that the proxy does not go to is prohibited", async ({ client }) => {
    const inside = await refusalOf(client, "inside.example", 443);
    assertEquals(inside, ["destination_ip_prohibited", "prohibited"]);
  });

  test("wrong credentials are prohibited, and the operator's to mend", async ({ client, proxy }) => {
    const headers = { "proxy-authorization": "Bearer bad" };
    const answer = await client.connect({ hostname: "127.0.0.1", port: proxy!.port }, { headers });
    assert(!answer.ok && answer.status === 407);
    const { kind, refusal } = answer.outcome;
    assertEquals([kind, refusal], ["proxy_authentication_required", "prohibited"]);
  });

  test("a proxy that is gone has no network", async ({ client, proxy }) => {
    await proxy!.close();
    const signal = AbortSignal.timeout(20_000);
    const target = { hostname: "127.0.0.1", port: 9 };
    const error = await assertRejects(() => client.connect(target, { signal }), ProxyError);
    assertEquals(error.outcome.refusal, "network-unreachable");
  });
}

Deno.test({
  ...QUIET,
  name: "Outcomes, memory: a scripted outcome is the one that comes",
  async fn() {
    await using client = new MemoryClient(({ hostname }) => {
      const { kind, refusal, status } = rowOf(hostname);
      return { kind, refusal, status, detail: "scripted" };
    });
    for (const [i, { kind, refusal }] of ROWS.entries()) {
      const answer = await client.connect({ hostname: `${i}.example`, port: 443 });
      assert(!answer.ok);
      assertEquals([answer.outcome.kind, answer.outcome.refusal], [kind, refusal]);
    }
  },
});
