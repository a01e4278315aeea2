/**
 * A DNS server over UDP and TCP on port 53, out of a table. Needs root.
 *
 * @module
 */

import * as dgram from "node:dgram";
import { answerOf, dnsDecode, type Zone } from "./dns.ts";
import { readConnection, serveTcp, writeAll } from "./origin.ts";

/** A server. */
export interface DnsTestServer extends AsyncDisposable {
  /** `udp NAME TYPE` or `tcp NAME TYPE` of each query so far. */
  readonly asked: string[];
}

const UDP_SIZE = 512;

/** Serves a zone; a datagram that would be longer than its asker takes is cut, with the TC bit. */
export async function serveDns(zone: Zone, hostname: string): Promise<DnsTestServer> {
  const asked: string[] = [];
  const answer = (query: Uint8Array, transport: string) => {
    const { questions: [{ name, type }] } = dnsDecode(query);
    asked.push(`${transport} ${name} ${type}`);
    return answerOf(zone, query);
  };
  const socket = dgram.createSocket(hostname.includes(":") ? "udp6" : "udp4");
  socket.on("message", (query, from) => {
    const found = answer(query, "udp");
    const limit = dnsDecode(query).additionals[0]?.udpPayloadSize ?? UDP_SIZE;
    if (found === undefined) return;
    socket.send(found.length > limit ? cut(found, query) : found, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(53, hostname, resolve));
  const tcp = serveTcp(
    async (connection) => {
      let rest = new Uint8Array();
      for await (const chunk of readConnection(connection)) {
        rest = new Uint8Array([...rest, ...chunk]);
        while (rest.length >= 2 && rest.length >= 2 + (rest[0] << 8 | rest[1])) {
          const length = rest[0] << 8 | rest[1];
          const found = answer(rest.subarray(2, 2 + length), "tcp")!;
          await writeAll(
            connection,
            Uint8Array.of(found.length >>> 8, found.length & 0xff, ...found),
          );
          rest = rest.slice(2 + length);
        }
      }
    },
    hostname,
    53,
  );
  return {
    asked,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => socket.close(() => resolve()));
      await tcp[Symbol.asyncDispose]();
    },
  };
}

/** The question alone, with the answer's id and the TC bit. */
function cut(answer: Uint8Array, query: Uint8Array): Uint8Array {
  let end = 12;
  while (query[end] !== 0) end += 1 + query[end];
  const short = answer.slice(0, end + 5);
  short[2] |= 0x02;
  short.fill(0, 6, 12); // no records
  return short;
}
