/**
 * How long an association of UDP lives: what the RFCs fix, and what is chosen here.
 *
 * @module
 */

/** The least that an idle association lives, in milliseconds (RFC 4787, section 4.3, REQ-5). */
export const MIN_IDLE_MS = 2 * 60_000;

/** What the same section recommends. */
export const DEFAULT_IDLE_MS = 5 * 60_000;

/** The port of DNS: one question, one answer, and most programs take a new port for the next. */
export const DNS_PORT = 53;

/**
 * How long an association to port 53 lives on behind its answer, in milliseconds: REQ-5 a allows well-known ports a shorter life. Other
 * translators of DNS (Outline, dae) give it the same: the longest that a stub resolver goes on asking.
 */
export const DEFAULT_ANSWERED_DNS_IDLE_MS = 17_000;
