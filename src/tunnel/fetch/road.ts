/**
 * The road by `fetch`, as it is chosen: with the runtime's own, or with one that was handed in.
 *
 * The runtime's has an HTTP client for each tunnel, so a connection for each: a pool that is shared was seen to stall on connections
 * that it had used before.
 *
 * @module
 */

import { DEFAULT_TCP_PATH } from "../../masque/uri_template.ts";
import { FetchClient } from "./client.ts";
import { fetchFault, type FetchLike, type TunnelFetcher } from "./exchange.ts";
import { type ProxySettings, unreachable } from "../settings.ts";
import type { ProxyClient } from "../tunnel.ts";

/** What chooses. */
export interface FetchRoadOptions {
  readonly fetch?: FetchLike;
  readonly via?: ProxyClient;
  readonly signal?: AbortSignal;
}

/**
 * A client by `fetch`. With the runtime's own it asks the proxy once for nothing, so that a wrong address and a wrong certificate are told at the
 * start. Rejects with a `TypeError` on what `fetch` cannot do, with a `ProxyError`, and with the signal's reason.
 */
export async function overFetch(
  proxy: ProxySettings,
  { fetch, via, signal }: FetchRoadOptions,
): Promise<FetchClient> {
  const { trust, udp, tcp = { template: `${proxy.name}${DEFAULT_TCP_PATH}` } } = proxy;
  if (udp.draft03) throw new TypeError("Cannot ask by fetch as draft 03 has it: it is a method");
  if (via !== undefined) {
    throw new TypeError(
      "Cannot fetch inside another proxy's tunnel: the runtime's fetch takes no tunnel of ours",
    );
  }
  if (trust.clientCert !== undefined && fetch !== undefined) {
    throw new TypeError("Cannot give a certificate to a fetch of your own: it has its own");
  }
  for (const option of ["pin", "insecure"] as const) {
    if (trust[option]) {
      throw new TypeError(`Cannot trust by "${option}" with fetch: give the authority, caCerts`);
    }
  }
  if (fetch !== undefined && trust.caCerts !== undefined) {
    throw new TypeError("Cannot give authorities to a fetch of your own: it has its own (caCerts)");
  }
  const fetcher = fetch === undefined ? () => ownFetcher(proxy) : () => ({ fetch, close() {} });
  const reach = (signal?: AbortSignal) => tryOut(proxy, fetcher(), signal);
  if (fetch === undefined) await reach(signal);
  return new FetchClient({ ...proxy, tcp, fetcher, tryOut: reach });
}

function ownFetcher({ trust }: ProxySettings): TunnelFetcher {
  const { caCerts, clientCert: cert, clientKey: key } = trust;
  const identity = cert === undefined || key === undefined ? {} : { cert, key };
  const client = Deno.createHttpClient({ caCerts: caCerts && [...caCerts], ...identity });
  const own = (url: string, init: RequestInit) => fetch(url, { ...init, client } as RequestInit);
  return { fetch: own, close: () => client.close() };
}

async function tryOut(proxy: ProxySettings, { fetch, close }: TunnelFetcher, given?: AbortSignal) {
  const deadline = new AbortController();
  const { dialMs } = proxy.timeouts;
  const late = new Error(`no answer within ${dialMs / 1000} s`);
  const timer = setTimeout(() => deadline.abort(late), dialMs);
  const signal = given ? AbortSignal.any([given, deadline.signal]) : deadline.signal;
  try {
    const response = await fetch(`${proxy.name}/`, { method: "HEAD", redirect: "manual", signal });
    await response.body?.cancel();
  } catch (error) {
    given?.throwIfAborted();
    throw unreachable(proxy, fetchFault(error));
  } finally {
    clearTimeout(timer);
    close();
  }
}
