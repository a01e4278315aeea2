/**
 * Pumps one association and one UDP tunnel into each other, datagram by datagram and without a promise for any of them; nothing else.
 *
 * | on one side | on the other |
 * | --- | --- |
 * | the association is idle, or gives way | the tunnel is closed |
 * | the tunnel ends | the association ends in silence, and the next datagram asks for a new one |
 * | the tunnel is reset | the same, with a port unreachable to the program |
 *
 * The last is what the program would have seen without us: a proxy ends a tunnel whose target answered with an ICMP error (RFC 9298, section 3.1).
 *
 * @module
 */

import type { UdpFlow, UdpFlowEnd } from "./flow/types.ts";
import type { OpenUdpTunnel, TunnelEnd } from "./tunnel/tunnel.ts";

/** How both sides of a UDP relay ended. */
export interface UdpRelayEnd {
  /** The program's side. */
  readonly flow: UdpFlowEnd;
  /** The proxy's side. */
  readonly tunnel: TunnelEnd;
}

/** Joins `flow` and `tunnel` until both have ended. Never rejects: an end is a fact. */
export async function relayUdp(flow: UdpFlow, tunnel: OpenUdpTunnel): Promise<UdpRelayEnd> {
  tunnel.receive({ datagram: (payload) => flow.send(payload) });
  flow.receive((payload) => tunnel.send(payload));
  void flow.closed.then(() => tunnel.close());
  const tunnelEnd = await tunnel.closed;
  flow.close(tunnelEnd.reason === "reset" ? "port-unreachable" : undefined);
  return { flow: await flow.closed, tunnel: tunnelEnd };
}
