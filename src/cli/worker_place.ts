/**
 * The options about the proxy on their way to a worker: a `URL` cannot be cloned, its text can.
 *
 * @module
 */

import type { TunnelOptions } from "./tunnel_options.ts";

/** Options that can be cloned. */
export type PlainTunnel = Omit<TunnelOptions, "proxy" | "via"> & {
  readonly proxy: string;
  readonly via?: PlainTunnel;
};

/** Makes them ready for the way. */
export function packTunnel({ proxy, via, ...rest }: TunnelOptions): PlainTunnel {
  return { ...rest, proxy: String(proxy), via: via === undefined ? undefined : packTunnel(via) };
}

/** What they were before. */
export function unpackTunnel({ proxy, via, ...rest }: PlainTunnel): TunnelOptions {
  return {
    ...rest,
    proxy: proxy === "embedded" ? proxy : new URL(proxy),
    via: via === undefined ? undefined : unpackTunnel(via),
  };
}
