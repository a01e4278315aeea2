import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { authorizerOf } from "../../../../src/tunnel/credentials/authorizer.ts";
import { ProxyError } from "../../../../src/errors.ts";
import { connectProxy, type ConnectProxyOptions } from "../../../../src/tunnel/proxy_client.ts";
import { CERT, KEY } from "../../../support/certificate.ts";
import { echo } from "../../../support/far_side.ts";
import { proxied } from "../roads.ts";
import * as http2 from "node:http2";
import * as tls from "node:tls";
import type { AddressInfo } from "node:net";

const TARGET = { hostname: "origin.example", port: 443 };
const QUIET = { sanitizeOps: true, sanitizeResources: true };

/** A proxy that takes one token, and the tokens that it was shown. */
async function guarded(http: "1.1" | "2" | "3", options: ConnectProxyOptions) {
  const guard = { takes: "good", shown: [] as string[] };
  const note = (head: string) => {
    const shown = /Bearer (\w+)/.exec(head)?.[1] ?? "none";
    guard.shown.push(shown);
    return shown === guard.takes;
  };
  const setting = await proxied(http, echo, {
    head: () =>
      note(setting.server.requests.at(-1)!)
        ? "HTTP/1.1 200 OK\r\n\r\n"
        : "HTTP/1.1 407 No\r\nProxy-Authenticate: Bearer\r\n\r\n",
    respond: () => ({ ":status": note(setting.server.requests.at(-1)!) ? 200 : 407 }),
  }, options);
  return { ...setting, guard };
}

for (const http of ["1.1", "2", "3"] as const) {
  const test = (name: string, fn: () => Promise<void>) =>
    Deno.test({ ...QUIET, name: `HTTP/${http}: ${name}`, fn });

  test("a fixed token that is refused is not sent again", async () => {
    await using setting = await guarded(http, { token: "bad" });
    const tunnel = await setting.client.connect(TARGET);
    assert(!tunnel.ok);
    assertEquals(tunnel.outcome.kind, "proxy_authentication_required");
    assertEquals(setting.guard.shown, ["bad"]);
  });

  test("a token that was exchanged is sent from the next request on", async () => {
    let token = "good";
    await using setting = await guarded(http, { token: () => token });
    assert((await setting.client.connect(TARGET)).ok);
    setting.guard.takes = token = "better";
    assert((await setting.client.connect(TARGET)).ok);
    assertEquals(setting.guard.shown, ["good", "better"]);
  });

  test("a refused token is exchanged, and the request asked once more", async () => {
    let token = "old";
    const refused: (string | undefined)[] = [];
    await using setting = await guarded(http, {
      token: (why) => {
        refused.push(why);
        if (why !== undefined) token = "good";
        return token;
      },
    });
    assert((await setting.client.connect(TARGET)).ok);
    assertEquals(setting.guard.shown, ["old", "good"]);
    assertEquals(refused.filter((why) => why !== undefined), ["old"]);
  });

  test("a storm of 407 asks each flow's question at most twice, and the source once", async () => {
    let asked = 0;
    await using setting = await guarded(http, {
      token: (refused) => {
        if (refused === undefined) return "bad";
        return `worse${++asked}`;
      },
    });
    const flows = await Promise.all(
      Array.from({ length: 40 }, () => setting.client.connect(TARGET)),
    );
    assert(flows.every((tunnel) => !tunnel.ok && tunnel.status === 407));
    assert(asked >= 1 && asked <= 3, `asked ${asked} times`); // once in 2 s
    assertEquals(setting.guard.shown.length, 80);
  });

  test("a caller's own credentials are left as they are", async () => {
    await using setting = await guarded(http, { token: () => "bad" });
    const headers = { "proxy-authorization": "Bearer good" };
    assert((await setting.client.connect(TARGET, { headers })).ok);
    assertEquals(setting.guard.shown, ["good"]);
  });

  if (http === "3") continue; // QUIC here shows no certificate, and says so
  test("a client certificate is shown, and one that is missing is asked for", async () => {
    const identity = { cert: CERT, key: KEY, ca: [CERT], requestCert: true };
    const server = http === "2"
      ? http2.createSecureServer(identity)
      : tls.createServer(identity, (socket) => {
        socket.on("error", () => {}).on("data", () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
      });
    if (http === "2") {
      server.on("stream", (stream: http2.ServerHttp2Stream) => {
        stream.on("error", () => {});
        stream.respond({ ":status": 200 });
      });
    }
    const sockets: tls.TLSSocket[] = [];
    server.on("secureConnection", (socket: tls.TLSSocket) => sockets.push(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const options = { http, caCerts: [CERT] };
      {
        await using client = await connectProxy(url, {
          ...options,
          clientCert: CERT,
          clientKey: KEY,
        });
        assert((await client.connect(TARGET)).ok);
      }
      const attempt = async () => {
        await using client = await connectProxy(url, options);
        await client.connect(TARGET);
      };
      await assertRejects(attempt, ProxyError, "wants a client certificate");
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  });
}

Deno.test("Two kinds of credentials, half a certificate and secrets for no header are mistakes", async () => {
  const url = "https://proxy.example";
  const none = () => Promise.resolve([]);
  assertThrows(() => authorizerOf({ token: "a", privateTokens: none }), TypeError, "two kinds");
  await assertRejects(() => connectProxy(url, { clientCert: CERT }), TypeError, "clientKey");
  const late = authorizerOf({ token: () => "hush\n" });
  const error = assertThrows(() => late.next(), TypeError);
  assert(!error.message.includes("hush"));
});
