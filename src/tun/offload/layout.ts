/**
 * Where the fields stand that change when one packet becomes many or many become one. Distances from the start of their header.
 *
 * @module
 */

/** Length of the whole packet (IPv4, RFC 791). */
export const IPV4_TOTAL_LENGTH = 2;
/** Counts on from piece to piece. */
export const IPV4_IDENTIFICATION = 4;
/** Flags, and the offset of a fragment. */
export const IPV4_FRAGMENT = 6;
/** TTL, and behind it the protocol. */
export const IPV4_TTL = 8;
/** The sum of the header. */
export const IPV4_CHECKSUM = 10;
/** Both addresses, to the end of a header without options. */
export const IPV4_SOURCE = 12;
/** The first byte of a header without options. */
export const IPV4_PLAIN = 0x45;
/** The one bit that may be set in the word of flags and offset where a packet is whole. */
export const IPV4_DONT_FRAGMENT = 0x4000;

/** Length of what follows the header (IPv6, RFC 8200). */
export const IPV6_PAYLOAD_LENGTH = 4;
/** The next header, and behind it the hop limit. */
export const IPV6_NEXT_HEADER = 6;
/** Both addresses, to the end of the header. */
export const IPV6_SOURCE = 8;

/** The number of the first byte (TCP, RFC 9293). */
export const TCP_SEQUENCE = 4;
/** The number that is expected from the other side. */
export const TCP_ACKNOWLEDGMENT = 8;
/** The length of the header, and behind it flags and window. */
export const TCP_DATA_OFFSET = 12;
/** The flags. */
export const TCP_FLAGS = 13;
/** The urgent pointer. */
export const TCP_URGENT = 18;

/** The longest headers of IP and TCP that are looked at. */
export const MAX_HEADERS: number = 40 + 60;

/** Length of header and payload (UDP, RFC 768). */
export const UDP_LENGTH = 4;
