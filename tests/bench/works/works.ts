/**
 * All works, in the order in which they are told.
 *
 * @module
 */

import { CONNECTIONS, DATAGRAM_RESPONSE, REQUEST_RESPONSE } from "./answers.ts";
import { datagrams } from "./datagrams.ts";
import { FAIRNESS, IDLE } from "./many.ts";
import { throughput } from "./throughput.ts";
import type { Work } from "./work.ts";

/** What can be measured. */
export const WORKS: readonly Work[] = [
  throughput("up", 1, true),
  throughput("up", 4, false),
  throughput("up", 10, true),
  throughput("down", 1, true),
  throughput("down", 4, false),
  throughput("down", 10, true),
  REQUEST_RESPONSE,
  CONNECTIONS,
  datagrams("up"),
  datagrams("down"),
  DATAGRAM_RESPONSE,
  IDLE,
  FAIRNESS,
];
