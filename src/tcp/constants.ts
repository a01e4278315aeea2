/**
 * Numbers of TCP: first what the specifications fix, then what was chosen here and why.
 *
 * @module
 */

// Fixed by the specifications.

/** RFC 9293, section 3.7.1: what a peer that names no MSS can take, over IPv4 and over IPv6. */
export const DEFAULT_MSS_V4 = 536;
export const DEFAULT_MSS_V6 = 1220;
/** A full header of options and eight bytes of data. A smaller MSS would leave no room for data; Linux obeys none below 48 either. */
export const MIN_PEER_MSS = 48;
/** RFC 6298, section 2: the RTO before the first measurement. */
export const INITIAL_RTO_MS = 1000;
/** RFC 6298, section 5.7: the RTO to go on with after repeated timeouts and without a measurement. */
export const SAFE_RTO_MS = 3000;
/** RFC 6298, section 2.5: an upper bound, which may not be below this. */
export const MAX_RTO_MS = 60_000;
/** RFC 5681, section 2. */
export const DUPLICATE_ACK_THRESHOLD = 3;
/** RFC 8985, section 6.2, step 4: recoveries after which a wide reordering window is a narrow one again. */
export const REORDERING_ROUNDS = 16;
/** RFC 8985, section 7.2: how long a peer may wait with an acknowledgment for a second segment. */
export const MAX_ACK_DELAY_MS = 200;
/** RFC 6928, section 2: what may be sent before the first acknowledgment. */
export const INITIAL_WINDOW_SEGMENTS = 10;
export const INITIAL_WINDOW_BYTES = 14_600;
/** RFC 9293, MUST-23: a SYN of ours is repeated for no less than three minutes. */
export const SYN_SENT_TIMEOUT_MS = 180_000;
/** RFC 7323, section 5.5: a TS.Recent this old proves nothing any more. */
export const TIMESTAMP_VALID_MS = 24 * 86_400_000;

// Chosen here.

/** RFC 1122, section 4.2.3.5, gives data up after no less than 100 s. */
export const USER_TIMEOUT_MS = 120_000;
/** RFC 6298 says 1 s and allows less where the clock is fine enough; Linux lives with 200 ms, and so do its peers. */
export const MIN_RTO_MS = 200;
/** A handshake without its last ACK ends after 63 s, the five doublings from 1 s that Linux allows: a half-open flow holds a tunnel. */
export const SYN_RECEIVED_TIMEOUT_MS = 63_000;
/** Twice the maximum segment lifetime, with the 30 s that Linux takes for it. */
export const TIME_WAIT_MS = 60_000;
/** FIN-WAIT-2 of a flow that nobody here reads any more; Linux takes the same. */
export const FIN_WAIT_2_MS = 60_000;
/** At most one challenge ACK a flow in this time (RFC 5961, section 7, asks for a limit and leaves the number). */
export const CHALLENGE_ACK_INTERVAL_MS = 500;
/** Covers windows up to 16 MiB in steps of 256 bytes. */
export const RECEIVE_WINDOW_SHIFT = 8;
/** What a queue of a flow may hold before it is known how much its path needs: two round trips of a fast local link. */
export const INITIAL_BUFFER_BYTES = 1 << 20;
/** The round trip of a path that nobody has measured, since its handshake was repeated. */
export const UNKNOWN_ROUND_MS = 100;
/** What each queue of a flow may hold however much the others do: a few segments, so that it goes on, if slowly. */
export const RESERVED_BYTES = 8192;
/** Pieces out of order that one flow may keep: a window of 16 MiB in segments of 1 KiB. */
export const MAX_OUT_OF_ORDER_PIECES = 16_384;
/** What it costs to keep one, besides its bytes. */
export const PIECE_OVERHEAD_BYTES = 128;
/** Records of what is on its way: a window of 16 MiB in segments of 1 KiB. With more, a peer that reports single bytes is not believed any more. */
export const MAX_FLIGHT_RECORDS = 16_384;
/** Timeouts in a row after which a path is suspected to swallow full segments: Linux tries three times, too. */
export const BLACK_HOLE_TIMEOUTS = 3;
/** How long a smallest round-trip time stands for its path (RFC 8985, section 6.2, asks for a window and leaves its length). */
export const RTT_WINDOW_MS = 300_000;
/** A tail is probed no sooner: an acknowledgment may have to wait for its turn in this very program. */
export const MIN_TAIL_PROBE_MS = 20;
