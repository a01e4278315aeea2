/**
 * RFC 4787, what a translator owes to UDP, requirement by requirement: device, stack, tunnel and proxy together are one.
 *
 * @module
 */

import { met, notApplicable, notMet, type Row } from "./table.ts";

export const RFC4787: readonly Row[] = [
  met(
    "REQ-1",
    "The mapping of a port depends on no destination (MUST)",
    ["udp_port.ts BoundPort", "udp_roads.ts UdpRoads", "proxy/relay/bind_relay.ts BindRelay"],
    [
      "RFC 4787, REQ-1: all that a program's port sends leaves from one port at the proxy",
      "a proxy without ports is asked once, and each destination has its tunnel",
    ],
    "Where the proxy gives ports (Connect-UDP-Bind), and for destinations that are addresses; elsewhere it is address and port-dependent, " +
      "and `doctor` says so",
  ),
  met(
    "REQ-2",
    "All ports of a host are seen at one address (RECOMMENDED: paired)",
    "proxy/bind_udp.ts placesFor",
    "RFC 4787, REQ-2: every port of a client is seen at one address of a family, over HTTP/2",
  ),
  met(
    "REQ-3",
    "No two ports share one outside (MUST NOT overload)",
    "proxy/bind_udp.ts bindUdp",
    "RFC 4787, REQ-2: every port of a client is seen at one address of a family, over HTTP/2",
    "The kernel gives each socket its own",
  ),
  notMet(
    "REQ-3 a",
    "The port outside is in the same range as the one inside (RECOMMENDED)",
    "the proxy's kernel takes a free one: a client that could wish for one could take somebody else's",
  ),
  notMet(
    "REQ-4",
    "An even port stays even (RECOMMENDED)",
    "the proxy's kernel takes a free one, and what needed this (RTP beside RTCP) has RFC 5761",
  ),
  met(
    "REQ-5",
    "A mapping lives for two minutes or more after the last packet (MUST NOT expire earlier), five by default (RECOMMENDED)",
    ["udp/constants.ts MIN_IDLE_MS", "proxy/limits.ts udpIdleTimeoutMs"],
    [
      "RFC 4787, REQ-5: an association lives for five minutes behind the program's last datagram",
      "RFC 4787, REQ-5: nobody can have it shorter than two minutes",
    ],
  ),
  met(
    "REQ-5 a",
    "Well-known ports may have a shorter life (MAY)",
    "udp/constants.ts DEFAULT_ANSWERED_DNS_IDLE_MS",
    "behind an answer from port 53 it is over after 17 s, and a further question counts anew",
    "Port 53 alone, and only behind its answer",
  ),
  met(
    "REQ-6",
    "What the program sends refreshes the mapping (MUST); what comes in need not",
    "udp/association.ts handleDatagram noteInbound",
    [
      "RFC 4787, REQ-6: the program's datagrams prolong it, and those of the far side do not",
      "a stranger does not keep an association alive, nor from giving way",
    ],
  ),
  notApplicable(
    "REQ-7",
    "Inside and outside may have the same addresses (MUST be coped with)",
    "the device's addresses are from blocks that nobody routes (RFC 2544, RFC 4193), and the proxy stands outside",
  ),
  met(
    "REQ-8",
    "Whoever sends to the port is heard (RECOMMENDED where transparency counts), and the administrator may choose (MAY)",
    ["udp_port.ts BoundPort", "stack/associations.ts sendFrom"],
    [
      "RFC 4787, REQ-8: whoever sends to that port is heard, asked or not",
      "RFC 4787, REQ-8: a stranger's datagram comes to the program's port, from 192.0.2.77",
      "with off nobody asks for a port",
    ],
    "Endpoint-independent filtering; `--udp-bind off` makes it address and port-dependent",
  ),
  met(
    "REQ-9",
    "A port reaches another one by its address outside, and is seen with its own (MUST)",
    "proxy/relay/bind_relay.ts BindRelay",
    "RFC 4787, REQ-9: a port reaches another by its public address, and is seen with its own, over HTTP/2",
  ),
  notApplicable(
    "REQ-10",
    "Gateways that look into the payload are off by default (RECOMMENDED)",
    "there are none: DNS alone is answered, and --dns off leaves it alone",
  ),
  notMet(
    "REQ-11",
    "Mapping and filter change at no time and under no conditions (MUST NOT)",
    "with --udp-bind auto a destination below port 1024 has a tunnel of its own until the program's port has one at the proxy; " +
      "with always and with off it is met",
  ),
  met(
    "REQ-12",
    "No ICMP message ends a mapping (MUST NOT)",
    ["stack/icmp.ts Icmp", "proxy/relay/bind_relay.ts failed"],
    "RFC 4787, REQ-12: no ICMP error ends an association",
    "One that the proxy's kernel reports ends the tunnel of a single destination, as RFC 9298, section 3.1, asks, and the program hears of it",
  ),
  met(
    "REQ-13",
    "A packet too big for the way is answered, or cut where it may be (MUST)",
    ["stack/datagram_egress.ts DatagramEgress", "stack/fragmentation.ts Fragmenter"],
    [
      "the longest datagram goes both ways in pieces, over IPv4",
      "RFC 8201 5.4: after Packet Too Big about a datagram those behind it leave in pieces that fit",
    ],
    "Towards the proxy nothing is too big: a capsule takes the longest datagram",
  ),
  met(
    "REQ-14",
    "Fragments out of order are received (MUST)",
    "stack/reassembly.ts Reassembly",
    "RFC 791 3.2, RFC 8200 4.5: fragments in any order become the packet again, over IPv4",
  ),
  met(
    "REQ-14 a",
    "And nobody exhausts memory with them (MUST)",
    "stack/limits.ts reassemblyBytes fragmentsPerPacket",
    "without room for reassembly fragments are dropped and the rest goes on",
  ),
];
