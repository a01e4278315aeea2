/**
 * What lies below TCP: IP of both versions, its fragments, ICMP, and what a path takes.
 *
 * @module
 */

import { met, type Row } from "./table.ts";

/** The same test over both versions of IP. */
const both = (name: string) => [4, 6].map((version) => `${name}, over IPv${version}`);

export const IP: readonly Row[] = [
  met(
    "791 3.1, 8200 3",
    "What is not whole is dropped: cut anywhere, lengths that do not fit, a wrong checksum. Bytes behind a packet are padding",
    ["wire/ipv4.ts parseIpv4", "wire/ipv6.ts parseIpv6", "stack/ingress.ts parseFrame"],
    [
      "what is not whole is dropped by reason: cut at every length, each checksum wrong",
      "RFC 791 3.1: bytes behind the total length are padding",
    ],
  ),
  met(
    "1122 3.2.1.3, 4291 2",
    "Addresses that no host may use are dropped by reason, and never answered",
    "wire/address.ts classifyIp",
    [
      "packets to or from addresses that no host may use are dropped by reason",
      "RFC 1122 3.2.2, RFC 4443 2.4 e: what went to many, or came from nobody, is never answered",
    ],
  ),
  met(
    "1122 3.2.1.7",
    "A packet with a TTL of 1 or 0 has arrived all the same, and answers have 64",
    "stack/reply_packets.ts writeIpHeader",
    "RFC 1122 3.2.1.7: a packet that arrives with a TTL of 1 or 0 has arrived, and answers have 64",
  ),
  met(
    "1122 3.2.1.8, 7126 4",
    "Options are skipped, but for a source route, which goes nowhere",
    "wire/ipv4.ts parseIpv4",
    [
      "RFC 1122 3.2.1.8: IPv4 options are skipped",
      "RFC 7126 4.3, 4.4: a packet with a source route goes nowhere",
    ],
  ),
  met(
    "8200 4",
    "Extension headers are walked; what is unknown in them, or stands where it may not, is a Parameter Problem",
    "wire/ipv6_extensions.ts walkExtensions",
    [
      "RFC 8200 4.1: extension headers that may be skipped are, in any order and any number but one",
      "RFC 8200 4.2: the two high bits of an unknown option say what to do",
      "RFC 8200 4: hop-by-hop options stand first or are unknown",
      "RFC 8200 4: an unknown protocol is a Parameter Problem that points at its number",
      "RFC 5095 3, RFC 8200 4.4: a route with segments left is refused, whatever its type",
    ],
  ),
  met(
    "8883 2.5, 2.6",
    "Chains of headers, and of options in one, have an end",
    "wire/ipv6_extensions.ts walkExtensions",
    "RFC 8883 2.5, 2.6: a chain of too many headers, and a header of too many options, are refused",
  ),
];

export const FRAGMENTS: readonly Row[] = [
  met(
    "791 3.2, 8200 4.5",
    "Fragments in any order become the packet again",
    "stack/reassembly.ts Reassembly",
    both("RFC 791 3.2, RFC 8200 4.5: fragments in any order become the packet again"),
  ),
  met(
    "5722 4",
    "Fragments that overlap drop the whole packet; an exact duplicate is only one",
    "stack/reassembly.ts Reassembly",
    [
      ...both(
        "RFC 5722 4: overlapping fragments drop the whole packet, also what is still to come, without a word",
      ),
      ...both("RFC 5722 4: an exact duplicate of a fragment is only a duplicate"),
    ],
    "Over IPv4 as well, where no RFC asks for it",
  ),
  met(
    "6946",
    "An atomic fragment is a packet by itself",
    "stack/ingress.ts parseFrame",
    "RFC 6946: an atomic fragment is a packet by itself, beside fragments of the same identification",
  ),
  met(
    "7112 5",
    "A first fragment holds all headers, or is refused",
    "wire/ipv6_extensions.ts walkExtensions",
    "RFC 7112 5: a first fragment without all headers is refused",
  ),
  met(
    "1122 3.3.2",
    "They wait 60 s; the sender of a first fragment hears of the missing ones",
    ["stack/reassembly.ts takeExpired", "stack/limits.ts reassemblyTimeoutMs"],
    both(
      "RFC 1122 3.3.2, RFC 8200 4.5: after 60 s the sender of a first fragment hears of the missing ones",
    ),
  ),
  met(
    "caps",
    "Bytes, packets and fragments that wait are bounded",
    ["stack/limits.ts reassemblyBytes", "stack/limits.ts fragmentsPerPacket"],
    [
      "a flood of first fragments stays within its memory, and neither flows nor whole packets suffer",
      "what fragments cost is bounded, their overhead included",
    ],
  ),
  met(
    "6864 4.3, 7739 5",
    "Identifications differ, and tell nothing of other hosts",
    "stack/identification.ts Identification",
    both(
      "RFC 6864 4.3, RFC 7739 5.3: identifications differ from packet to packet, and from host to host they tell nothing",
    ),
  ),
];

export const ICMP: readonly Row[] = [
  met(
    "1122 3.2.2, 4443 2.4 e",
    "No error about an error, about a fragment other than the first, or about what went to many",
    "stack/icmp_errors.ts mayBeAnswered",
    [
      ...both(
        "RFC 1122 3.2.2, RFC 4443 2.4 e: errors of every type and code get no answer and end no flow",
      ),
      "RFC 1122 3.2.2: no error about a fragment other than the first",
      "RFC 1122 3.2.2, RFC 4443 2.4 e: what went to many, or came from nobody, is never answered",
    ],
  ),
  met(
    "4443 2.4 f, 1812 4.3.2.8",
    "Errors are limited in rate",
    "stack/token_bucket.ts TokenBucket",
    both("RFC 4443 2.4 f, RFC 1812 4.3.2.8: errors are limited in rate, and echo is not"),
  ),
  met(
    "1812 4.3.2.3, 4443 2.4 c",
    "An error quotes as much as it may be long: 576 bytes, 1280 bytes",
    "stack/reply_packets.ts errorPacket",
    both("RFC 1812 4.3.2.3, RFC 4443 2.4 c: an error quotes as much as it may be long"),
  ),
  met(
    "792, 4443 4.2",
    "An echo comes back with its data, whatever its length",
    "stack/reply_packets.ts echoReplyPacket",
    both("RFC 792, RFC 4443 4.2: an echo of any size comes back with its data, in pieces that fit"),
  ),
  met(
    "5927 5.2",
    "No message ends a flow: it may be forged",
    "stack/icmp.ts Icmp",
    "RFC 5927 5.2: no other ICMP error ends a flow, or changes it",
  ),
];

export const PATH_MTU: readonly Row[] = [
  met(
    "1191 6.5, 8201 5.4",
    "What was too big for the path goes again in smaller segments, at once, and the window stays",
    ["stack/path_mtu.ts fitToPath", "tcp/path_mtu.ts limitMss"],
    [
      "RFC 1191 6.5: after Fragmentation Needed what is in flight goes again in smaller segments, at once",
      "RFC 8201 5.4: after Packet Too Big what is in flight goes again in smaller segments, at once",
      "RFC 1191 6.5: a path that is narrower is no congestion: the window stays",
    ],
  ),
  met(
    "1191 6.3, 8201 5.3",
    "What a path takes is remembered for ten minutes, for flows to come, too",
    "stack/path_mtu.ts PathMtus",
    [
      "RFC 8201 5.3, RFC 1191 6.3: what a path takes is forgotten after ten minutes, and the oldest when there are too many",
      "a new flow to a host whose path is known begins with segments that fit, and offers its own MSS all the same",
    ],
  ),
  met(
    "5927 4.1, 7.2",
    "Only a message about a segment in flight, and longer than it says the path takes, is believed",
    "stack/flows.ts shrink",
    [
      "RFC 5927 4.1: a message about what is not in flight is ignored",
      "RFC 5927 4.1: a message that does not quote a packet of ours is ignored",
      "RFC 5927 7.2: a message about a packet that would have fit is ignored",
    ],
  ),
  met(
    "8201 4, 5927 7.3",
    "Below 1280 bytes over IPv6 a message is discarded; below 576 over IPv4 routers may cut",
    "stack/path_mtu.ts fitToPath",
    [
      "RFC 8201 4: Packet Too Big below 1280 bytes is discarded, and RFC 8021: nothing is cut for it",
      "RFC 791 3.2, RFC 5927 7.3: below 576 bytes segments stay at 536 and routers may cut them",
    ],
  ),
  met(
    "4821 7.7",
    "A path that swallows full segments without a word gets what every path takes, after three timeouts",
    "tcp/path_mtu.ts leaveBlackHole",
    both(
      "a path that swallows full segments without a word gets smaller ones after the third timeout",
    ),
    "It is not probed for more later: a flow stays small",
  ),
];
