/**
 * QUIC from a program inside: a download on one stream, as HTTP/3 moves a large body.
 *
 *     quic_load.ts serve HOST               sends on a stream of each connection for as long as it stands; prints its UDP port
 *     quic_load.ts get HOST PORT SECONDS    takes what comes for so long; prints how much
 *
 * @module
 */

import { CERT, KEY } from "../../support/certificate.ts";

const ALPN = ["pseudotcp-bench"];
/** What the server writes at once. */
const CHUNK_BYTES = 64 * 1024;
/** After which a run has failed. */
const PATIENCE_MS = 15_000;

const [verb, hostname, port, amount] = Deno.args;

async function serve(): Promise<void> {
  const endpoint = new Deno.QuicEndpoint({ hostname, port: 0 });
  const listener = endpoint.listen({ cert: CERT, key: KEY, alpnProtocols: ALPN });
  console.log(`serving ${endpoint.addr.port}`);
  for await (const incoming of listener) {
    send(incoming).catch(() => {}); // a client that leaves is not this server's trouble
  }
}

async function send(incoming: Deno.QuicIncoming): Promise<void> {
  const connection = await incoming.accept();
  const writer = (await connection.createUnidirectionalStream()).getWriter();
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (;;) await writer.write(chunk);
}

async function get(): Promise<{ bytes: number; seconds: number }> {
  const connection = await Deno.connectQuic({
    hostname,
    port: Number(port),
    serverName: "localhost",
    caCerts: [CERT],
    alpnProtocols: ALPN,
  });
  const { value: stream } = await connection.incomingUnidirectionalStreams.getReader().read();
  const reader = stream!.getReader();
  let bytes = 0;
  const start = performance.now();
  const until = start + Number(amount) * 1000;
  while (performance.now() < until) bytes += (await reader.read()).value!.length;
  const seconds = (performance.now() - start) / 1000;
  connection.close();
  return { bytes, seconds };
}

if (verb === "serve") await serve();
Deno.unrefTimer(setTimeout(() => {
  console.error("The download did not come to an end");
  Deno.exit(1);
}, Number(amount) * 1000 + PATIENCE_MS));
console.log(JSON.stringify(await get()));
Deno.exit(0);
