/**
 * Pumps one TCP flow and one tunnel into each other: half-close, abort and errors keep their meaning on the way; nothing else.
 *
 * | on one side | on the other |
 * | --- | --- |
 * | FIN, end of stream | FIN, end of stream, and the other direction goes on |
 * | RST, reset stream | RST, reset stream |
 * | no more reading | no more writing into it |
 *
 * @module
 */

import type { FlowEnd, TcpFlow } from "./flow/types.ts";
import type { OpenTunnel, TunnelEnd } from "./tunnel/tunnel.ts";

/** How both sides of a relay ended. */
export interface RelayEnd {
  /** The program's side. */
  readonly flow: FlowEnd;
  /** The proxy's side. */
  readonly tunnel: TunnelEnd;
}

/** Joins `flow` and `tunnel` until both have ended. Never rejects: an end is a fact. */
export async function relay(flow: TcpFlow, tunnel: OpenTunnel): Promise<RelayEnd> {
  await Promise.allSettled([
    flow.readable.pipeTo(tunnel.writable),
    tunnel.readable.pipeTo(flow.writable),
  ]);
  const [flowEnd, tunnelEnd] = await Promise.all([flow.closed, tunnel.closed]);
  return { flow: flowEnd, tunnel: tunnelEnd };
}
