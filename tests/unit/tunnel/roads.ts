/**
 * Every road a tunnel can take, behind one face, so that one suite runs over all of them.
 *
 * @module
 */

import { connectProxy, type ConnectProxyOptions } from "../../../src/tunnel/proxy_client.ts";
import { DirectClient } from "../../../src/tunnel/local/direct.ts";
import { MemoryClient } from "../../../src/tunnel/local/memory.ts";
import type { OpenTunnel, ProxyClient, Target } from "../../../src/tunnel/tunnel.ts";
import { CERT } from "../../support/certificate.ts";
import { capsuleSide } from "../../support/capsule_side.ts";
import { serveFetch } from "../../support/fetch_server.ts";
import { type Origin, webFarSide } from "../../support/far_side.ts";
import { type H3ServerOptions, serveH3 } from "../../support/h3_server.ts";
import {
  serveH1,
  serveH2,
  type ServerOptions,
  serveTcp,
  type TestServer,
} from "../../support/tunnel_servers.ts";

/** A client, and the origin behind its tunnels. */
export interface Setting extends AsyncDisposable {
  readonly client: ProxyClient;
  /** What to ask for. */
  readonly target: Target;
  /** Absent in memory. */
  readonly server?: TestServer;
}

/** One way to go. */
export interface Road {
  readonly name: string;
  /** A refusal and a pending answer come from a proxy; a direct connection has none. */
  readonly proxied: boolean;
  /** Whether the test's origin can reset at all: a TLS connection of Deno only ends. */
  readonly originResets: boolean;
  open(origin: Origin): Promise<Setting>;
}

const TARGET: Target = { hostname: "origin.example", port: 443 };

/** Connects to a test server. */
export function connectTo(
  server: TestServer,
  tls: boolean | undefined,
  options: ConnectProxyOptions,
): Promise<ProxyClient> {
  const url = `${tls ? "https" : "http"}://127.0.0.1:${server.port}`;
  return connectProxy(url, { caCerts: tls ? [CERT] : undefined, ...options });
}

/** A proxy and a client for it. */
export async function proxied(
  http: "1.1" | "2" | "3",
  origin: Origin,
  serverOptions: ServerOptions = {},
  options: ConnectProxyOptions = {},
): Promise<Setting & { readonly server: TestServer }> {
  if (http === "3") {
    const respond = serverOptions.respond && ((authority: string) => {
      const answer = serverOptions.respond!(authority);
      return answer && Object.fromEntries(Object.entries(answer).map(([k, v]) => [k, String(v)]));
    });
    return await overH3(origin, { respond, maxStreams: serverOptions.maxStreams }, options);
  }
  const server = await (http === "2" ? serveH2 : serveH1)(origin, serverOptions);
  const client = await connectTo(server, serverOptions.tls, { http, ...options });
  return {
    client,
    target: TARGET,
    server,
    async [Symbol.asyncDispose]() {
      await client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** The same over HTTP/3. */
export async function overH3(
  origin: Origin,
  serverOptions: H3ServerOptions = {},
  options: ConnectProxyOptions = {},
): Promise<Setting & { readonly server: TestServer }> {
  const server = serveH3(origin, serverOptions);
  const client = await connectTo(server, true, { http: "3", ...options });
  return {
    client,
    target: TARGET,
    server,
    async [Symbol.asyncDispose]() {
      await client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Asks for a tunnel that has to stand. */
export async function open({ client, target }: Setting): Promise<OpenTunnel> {
  const tunnel = await client.connect(target);
  if (!tunnel.ok) throw new Error(tunnel.outcome.detail);
  return tunnel;
}

async function direct(origin: Origin): Promise<Setting> {
  const server = await serveTcp(origin);
  const client = new DirectClient();
  return {
    client,
    server,
    target: { hostname: "127.0.0.1", port: server.port },
    async [Symbol.asyncDispose]() {
      await client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

function memory(origin: Origin): Promise<Setting> {
  const client = new MemoryClient(() => (far) => origin(webFarSide("", far)).catch(() => {}) // the test's side tells
  );
  return Promise.resolve({
    client,
    target: TARGET,
    [Symbol.asyncDispose]: () => client.close(),
  });
}

/** The head with which a proxy grants connect-tcp. */
export const SWITCHING_TCP = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n" +
  "Upgrade: connect-tcp\r\nCapsule-Protocol: ?1\r\n\r\n";

/** A template with a query, which no default has. */
export const TCP_TEMPLATE = "https://masque.example/tcp{?target_host,target_port}";

function connectTcp(http: "1.1" | "2", tls: boolean): Road {
  const head = () => SWITCHING_TCP;
  return {
    name: `connect-tcp over HTTP/${http} ${tls ? "in TLS" : "in the clear"}`,
    proxied: true,
    originResets: true, // for what stops without FINAL_DATA was reset
    open: (origin) =>
      proxied(http, (far) => origin(capsuleSide(far)), { tls, head, takesProtocols: true }, {
        tcpTemplate: TCP_TEMPLATE,
      }),
  };
}

/** A server of streaming POSTs and a client for it, with the runtime's own `fetch`. */
export async function fetched(origin: Origin, tls: boolean): Promise<Setting> {
  const server = await serveFetch(origin, { tls });
  const client = await connectTo(server, tls, { http: "fetch" });
  return {
    client,
    target: TARGET,
    server,
    async [Symbol.asyncDispose]() {
      await client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

function byFetch(tls: boolean): Road {
  return {
    name: `fetch over HTTP/${tls ? "2 in TLS" : "1.1 in the clear"}`,
    proxied: true,
    originResets: true,
    open: (origin) => fetched((far) => origin(capsuleSide(far)), tls),
  };
}

/** All of them. */
export const ROADS: readonly Road[] = [
  {
    name: "HTTP/1.1 in the clear",
    proxied: true,
    originResets: true,
    open: (origin) => proxied("1.1", origin),
  },
  {
    name: "HTTP/1.1 in TLS",
    proxied: true,
    originResets: false,
    open: (origin) => proxied("1.1", origin, { tls: true }),
  },
  {
    name: "HTTP/2 in the clear",
    proxied: true,
    originResets: true,
    open: (origin) => proxied("2", origin),
  },
  {
    name: "HTTP/2 in TLS",
    proxied: true,
    originResets: true,
    open: (origin) => proxied("2", origin, { tls: true }),
  },
  { name: "HTTP/3", proxied: true, originResets: true, open: (origin) => overH3(origin) },
  connectTcp("1.1", false),
  connectTcp("1.1", true),
  connectTcp("2", false),
  connectTcp("2", true),
  {
    name: "connect-tcp over HTTP/3",
    proxied: true,
    originResets: true,
    open: (origin) =>
      overH3((far) => origin(capsuleSide(far)), { takesProtocols: true }, {
        tcpTemplate: TCP_TEMPLATE,
      }),
  },
  byFetch(false),
  byFetch(true),
  { name: "memory", proxied: false, originResets: true, open: memory },
  { name: "direct", proxied: false, originResets: true, open: direct },
];
