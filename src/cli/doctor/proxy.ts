/**
 * What the proxy does: reached, trusted, and asked for each kind of tunnel.
 *
 * @module
 */

import { answerOf, type NoTunnel } from "../../asking.ts";
import type { Outcome } from "../../outcome.ts";
import { SILENT } from "../../log.ts";
import type { ProxyClient, Target } from "../../tunnel/tunnel.ts";
import { parseIp } from "../../wire/address.ts";
import type { TunnelOptions } from "../tunnel_options.ts";
import { openRoad } from "../road.ts";
import { type Finding, no, note, ok, sentenceOf } from "./finding.ts";

/** How long each answer may take. */
const PATIENCE_MS = 15_000;

/** A request that went as far as the proxy's rules: whether the target can be reached says nothing about the proxy. */
const OF_THE_TARGET: ReadonlySet<Outcome["kind"]> = new Set<Outcome["kind"]>([
  "dns_timeout",
  "dns_error",
  "destination_not_found",
  "destination_unavailable",
  "destination_ip_unroutable",
  "connection_refused",
  "connection_terminated",
  "connection_timeout",
]);

/** Looks at the proxy; `behind` looks at what is behind it. */
export async function* proxyFindings(
  options: TunnelOptions,
  target: Target,
  behind: (proxy: ProxyClient, carriesTcp: boolean) => AsyncGenerator<Finding>,
): AsyncGenerator<Finding> {
  const began = performance.now();
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE_MS);
  try {
    await using road = await openRoad(options, SILENT, patience.signal);
    clearTimeout(timer);
    const { client } = road;
    yield ok(`The proxy is reached in ${since(began)}: ${client.description}`);
    if (options.insecure) {
      yield note("Anybody could pretend to be the proxy", "give --pin or --ca, not --insecure");
    } else if (options.proxy !== "embedded" && options.proxy.protocol === "http:") {
      yield note("Everybody on the way can read along", "give a proxy with https://");
    } else yield ok("Its certificate is trusted");
    const tcp = await tcpFinding(client, target);
    yield tcp;
    const udp = await udpFinding(client, target);
    yield udp;
    if (udp.verdict === "ok") yield await bindFinding(client);
    yield* behind(client, tcp.verdict === "ok");
  } catch (error) {
    if (patience.signal.aborted) {
      yield no(`The proxy did not answer in ${PATIENCE_MS / 1000} s`, "look at its address");
    } else yield no(sentenceOf(error));
  } finally {
    clearTimeout(timer);
  }
}

async function tcpFinding(client: ProxyClient, target: Target): Promise<Finding> {
  const began = performance.now();
  const found = await within((signal) => client.connect(target, { signal }));
  if (found.ok) {
    const granted = `CONNECT to ${label(target)} is granted, in ${since(began)}`;
    await found.readable.cancel().catch(() => {}); // a tunnel that broke is gone all the same
    return ok(granted);
  }
  const { kind, detail } = found.outcome;
  if (kind === "proxy_authentication_required") {
    return no("The proxy wants to know who asks", "give --token or --basic, or others");
  }
  return OF_THE_TARGET.has(kind)
    ? no(`CONNECT is spoken, and not granted: ${detail}`, "give another --target HOST:PORT")
    : no(`CONNECT is not granted: ${detail}`);
}

async function udpFinding(client: ProxyClient, target: Target): Promise<Finding> {
  const found = await within((signal) => client.connectUdp(target, { signal }));
  if (found.ok) {
    found.close();
    return ok("UDP is carried (CONNECT-UDP)");
  }
  const { kind, detail } = found.outcome;
  return kind === "proxy_authentication_required"
    ? no("UDP wants other credentials than these", detail)
    : note(`No UDP, so programs fall back to TCP where they can: ${detail}`);
}

async function bindFinding(client: ProxyClient): Promise<Finding> {
  const alone = "Each destination of a UDP port has a tunnel of its own: " +
    "games and calls that others begin may not work";
  if (client.bindUdp === undefined) return note(alone);
  const found = await within((signal) => client.bindUdp!({ signal }));
  if (!found.ok) return note(`${alone} (${found.outcome.detail})`);
  const where = found.publicAddresses.map(label).join(" and ");
  found.close();
  return ok(`A UDP port has one address for everybody (Connect-UDP-Bind), such as ${where}`);
}

/** What is asked, with an end to the waiting. */
async function within<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T | NoTunnel> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(new Error("It did not answer")), PATIENCE_MS);
  try {
    const { signal } = patience;
    const found = await answerOf(signal, () => ask(signal));
    if (!signal.aborted) return found;
    const detail = `the proxy did not answer in ${PATIENCE_MS / 1000} s`;
    const outcome = { kind: "connection_timeout", refusal: "host-unreachable", status: 0, detail };
    return { ok: false, outcome: outcome as Outcome };
  } finally {
    clearTimeout(timer);
  }
}

/** Whether somebody has to find an address for it. */
export function isName({ hostname }: Target): boolean {
  return parseIp(hostname) === undefined;
}

/** A host and a port as people write them. */
export function label({ hostname, port }: Target): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** The time since `began`, for people. */
export function since(began: number): string {
  return `${Math.ceil(performance.now() - began)} ms`;
}
