/**
 * All works, in the order in which they are told.
 *
 * @module
 */

import { CONNECTIONS, DATAGRAM_RESPONSE, REQUEST_RESPONSE } from "./answers.ts";
import { datagrams } from "./datagrams.ts";
import { FAIRNESS, IDLE } from "./many.ts";
import { QUIC_DOWN } from "./quic.ts";
import { throughput } from "./throughput.ts";
import type { Work } from "./work.ts";

/** What can be measured. */
export const WORKS: readonly Work[] = [
  throughput("up", 1),
  throughput("up", 10),
  throughput("down", 1),
  throughput("down", 10),
  REQUEST_RESPONSE,
  CONNECTIONS,
  datagrams("up"),
  datagrams("down"),
  QUIC_DOWN,
  DATAGRAM_RESPONSE,
  IDLE,
  FAIRNESS,
];
