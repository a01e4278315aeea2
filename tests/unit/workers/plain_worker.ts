/**
 * The thread of a worker that finds its proxy by a URL.
 *
 * @module
 */

import { connectProxy } from "../../../mod.ts";
import { serveWorker } from "../../../src/workers/worker.ts";

serveWorker<string>(async (url, { signal, log, learn }) => {
  if (url === "a fault") reportError(new Error("It fell over"));
  if (url === "a secret") {
    learn("s3cret");
    log.warn("It is told before the line that holds it");
  }
  const client = await connectProxy(url, { signal, log });
  return { client, [Symbol.asyncDispose]: () => client.close() };
});
