/**
 * Pumps one association and one UDP tunnel into each other, datagram by datagram and without a promise for any of them; nothing else.
 *
 * | on one side | on the other |
 * | --- | --- |
 * | the association is idle, or gives way | the tunnel is closed |
 * | the tunnel is reset | the association ends, with a port unreachable to the program |
 * | the tunnel ends, and has never brought an answer to what was just sent | the same |
 * | the tunnel ends | the association ends in silence; the next datagram asks for a new one |
 *
 * A proxy closes a tunnel whose target answered with an ICMP error (RFC 9298, section 3.1), and over HTTP/1.1 in the clear that
 * looks like any other end.
 *
 * @module
 */

import type { UdpFlow, UdpFlowEnd } from "./flow/types.ts";
import type { OpenUdpTunnel, TunnelEnd } from "./tunnel/tunnel.ts";

/** An ICMP error is there within a round trip, for which this is long; proxies that find a tunnel idle wait for longer. */
const JUST_SENT_MS = 10_000;

/** How both sides of a UDP relay ended. */
export interface UdpRelayEnd {
  /** The program's side. */
  readonly flow: UdpFlowEnd;
  /** The proxy's side. */
  readonly tunnel: TunnelEnd;
}

/** Joins `flow` and `tunnel` until both have ended. Never rejects: an end is a fact. */
export async function relayUdp(flow: UdpFlow, tunnel: OpenUdpTunnel): Promise<UdpRelayEnd> {
  let isAnswered = false;
  let sentAt = -Infinity;
  tunnel.receive({
    datagram: (payload) => {
      isAnswered = true;
      flow.send(payload);
    },
  });
  flow.receive((payload) => {
    if (!isAnswered) sentAt = performance.now();
    tunnel.send(payload);
  });
  void flow.closed.then(() => tunnel.close());
  const tunnelEnd = await tunnel.closed;
  const isRefused = !isAnswered && performance.now() - sentAt < JUST_SENT_MS;
  flow.close(isRefused || tunnelEnd.reason === "reset" ? "port-unreachable" : undefined);
  return { flow: await flow.closed, tunnel: tunnelEnd };
}
