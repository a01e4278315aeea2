/**
 * One request of HTTP/1.1 to a proxy: CONNECT, a request in absolute form (RFC 9112, section 3.2.2), or one for the proxy itself.
 *
 * @module
 */

import type { Socket } from "node:net";
import { type Outcome, type ProxyClient, ProxyError, type RefusedTunnel } from "../../mod.ts";
import { type Incoming, join, write } from "./join.ts";
import type { LocalStatus } from "./local_proxy.ts";

/** As much as a browser sends with its cookies. */
const MAX_HEAD_BYTES = 64 * 1024;

const REQUEST_LINE = /^(\S+) (\S+) HTTP\/1\.[01]$/;

/** Fields that speak to the proxy alone, or of this one connection (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = /^(?:connection|proxy-connection|proxy-authorization|keep-alive|upgrade|te)$/i;

/** Statuses for what a tunnel was refused for. */
const STATUSES: Readonly<Record<Outcome["refusal"], string>> = {
  "reset": "502 Bad Gateway",
  "host-unreachable": "504 Gateway Timeout",
  "network-unreachable": "502 Bad Gateway",
  "port-unreachable": "502 Bad Gateway",
  "prohibited": "403 Forbidden",
};

/** Serves one request, and with it the connection. */
export async function serveHttp(
  socket: Socket,
  incoming: Incoming,
  client: ProxyClient,
  status: () => LocalStatus,
): Promise<void> {
  const [line, ...fields] = (await incoming.takeHead(MAX_HEAD_BYTES)).slice(0, -4).split("\r\n");
  const [, method, target] = REQUEST_LINE.exec(line) ?? [];
  if (method === undefined) return answer(socket, "400 Bad Request", "This is not HTTP/1.1\n");
  if (method !== "CONNECT" && target.startsWith("/")) {
    return answer(socket, "200 OK", `${JSON.stringify(status())}\n`, "application/json");
  }
  const url = URL.parse(method === "CONNECT" ? `http://${target}/` : target);
  if (url === null || url.protocol !== "http:") {
    return answer(socket, "400 Bad Request", "Ask for http://HOST/PATH, or by CONNECT HOST:PORT\n");
  }
  const destination = {
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port) || 80,
  };
  if (method === "CONNECT") destination.port = Number(/:(\d+)$/.exec(target)?.[1]);
  const tunnel = await client.connect(destination).catch(refusalOf);
  if (!tunnel.ok) {
    const { refusal, detail } = tunnel.outcome;
    return answer(socket, STATUSES[refusal], `${detail}.\n`);
  }
  if (method === "CONNECT") {
    await write(socket, "HTTP/1.1 200 Connection established\r\n\r\n");
    return await join(socket, incoming, tunnel);
  }
  await join(socket, incoming, tunnel, forwarded(method, url, fields));
}

/** The head as the origin gets it. One request a connection, so that the end of the answer is the end of the connection. */
function forwarded(method: string, url: URL, fields: readonly string[]): Uint8Array<ArrayBuffer> {
  const kept = fields.filter((field) => !HOP_BY_HOP.test(field.slice(0, field.indexOf(":"))));
  const head = [`${method} ${url.pathname}${url.search} HTTP/1.1`, ...kept, "Connection: close"];
  return Uint8Array.from(`${head.join("\r\n")}\r\n\r\n`, (character) => character.charCodeAt(0));
}

/** What a proxy that gave no answer comes to. */
export function refusalOf(error: unknown): RefusedTunnel {
  if (!(error instanceof ProxyError)) throw error;
  return { ok: false, status: 0, headers: new Headers(), outcome: error.outcome };
}

function answer(socket: Socket, status: string, text: string, type = "text/plain"): void {
  const body = new TextEncoder().encode(text);
  const head = `HTTP/1.1 ${status}\r\nContent-Type: ${type}; charset=utf-8\r\n` +
    `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  socket.write(head);
  socket.end(body);
  socket.resume(); // what it still sends is nobody's
}
