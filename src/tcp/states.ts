/**
 * One terminating TCP endpoint, as a machine of segments in and segments out.
 *
 * Here lives: RFC 9293 with 7323, 2018, 2883, 6675, 8985, 6298, 5681, 6582, 6928, 9406, 9438, 5961 and 6528. Never here: addresses, ports, checksums
 * (the stack knows those), a clock, chance. Absent on purpose: urgent data as a channel of its own (it stays in line),
 * TCP Fast Open, ECN.
 *
 * This file: the states, and which may follow which.
 *
 * @module
 */

/**
 * The states of RFC 9293, section 3.3.2. `HELD` is ours: LISTEN with a SYN on hold, which is answered
 * as soon as the tunnel stands.
 */
export type State =
  | "HELD"
  | "SYN-SENT"
  | "SYN-RECEIVED"
  | "ESTABLISHED"
  | "FIN-WAIT-1"
  | "FIN-WAIT-2"
  | "CLOSE-WAIT"
  | "CLOSING"
  | "LAST-ACK"
  | "TIME-WAIT"
  | "CLOSED";

/** Which state may follow which: the picture of RFC 9293, figure 5, as a table. */
export const TRANSITIONS: { readonly [state in State]: readonly State[] } = {
  "HELD": ["SYN-RECEIVED", "CLOSED"],
  "SYN-SENT": ["SYN-RECEIVED", "ESTABLISHED", "CLOSED"],
  "SYN-RECEIVED": ["ESTABLISHED", "FIN-WAIT-1", "CLOSED"],
  "ESTABLISHED": ["FIN-WAIT-1", "CLOSE-WAIT", "CLOSED"],
  "FIN-WAIT-1": ["FIN-WAIT-2", "CLOSING", "TIME-WAIT", "CLOSED"],
  "FIN-WAIT-2": ["TIME-WAIT", "CLOSED"],
  "CLOSE-WAIT": ["LAST-ACK", "CLOSED"],
  "CLOSING": ["TIME-WAIT", "CLOSED"],
  "LAST-ACK": ["CLOSED"],
  "TIME-WAIT": ["CLOSED"],
  "CLOSED": [],
};

/** Whether the peer may still send data. */
export function canReceive(state: State): boolean {
  return state === "ESTABLISHED" || state === "FIN-WAIT-1" || state === "FIN-WAIT-2";
}

/** Whether data or a FIN of ours may be on its way or still to be sent. */
export function canSend(state: State): boolean {
  return state === "ESTABLISHED" || state === "CLOSE-WAIT" || state === "FIN-WAIT-1" ||
    state === "CLOSING" || state === "LAST-ACK";
}
