/**
 * The thread of a worker of `up --workers`.
 *
 * @module
 */

import { serveWorker } from "../workers/worker.ts";
import { openRoad } from "./road.ts";
import { type PlainTunnel, unpackTunnel } from "./worker_place.ts";

serveWorker<PlainTunnel>((place, { log, signal, learn }) =>
  openRoad(unpackTunnel(place), log, signal, learn)
);
