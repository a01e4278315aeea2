/**
 * DNS in the words of `dns-packet`, which shares no code with ours, and servers that answer out of a table.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import dnsPacket from "npm:dns-packet@5.6.1";
import { CERT, KEY } from "./certificate.ts";

/** A message as `dns-packet` has it. */
// deno-lint-ignore no-explicit-any
export type Packet = any;

/** What a query may say. */
export interface QueryOptions {
  readonly id?: number;
  readonly type?: string;
  readonly class?: string;
  /** Bits such as `dnsPacket.RECURSION_DESIRED`, which is set by default. */
  readonly flags?: number;
  /** The size that EDNS announces; without one there is no OPT record. */
  readonly udpSize?: number;
  readonly dnssecOk?: boolean;
  readonly options?: readonly { readonly code: number; readonly data: Uint8Array }[];
}

/** The bytes of a query. */
export function dnsQuery(name: string, options: QueryOptions = {}): Uint8Array<ArrayBuffer> {
  const { id = 4711, type = "A", class: klass = "IN", udpSize, dnssecOk, flags = 0x0100 } = options;
  const opt: Packet = {
    name: ".",
    type: "OPT",
    udpPayloadSize: udpSize ?? 1232,
    flags: dnssecOk ? dnsPacket.DNSSEC_OK : 0,
    options: (options.options ?? []).map((one) => ({ ...one, data: Buffer.from(one.data) })),
  };
  const hasOpt = udpSize !== undefined || dnssecOk || options.options !== undefined;
  const packet: Packet = {
    type: "query",
    id,
    flags,
    questions: [{ name, type, class: klass }],
    additionals: hasOpt ? [opt] : [],
  };
  return new Uint8Array(dnsPacket.encode(packet));
}

/** What the bytes of a message say. */
export function dnsDecode(bytes: Uint8Array): Packet {
  return dnsPacket.decode(Buffer.from(bytes));
}

/** The answers of a zone, by `name type`; a number is a response code, `drop` stays silent. */
export type Zone = Record<string, Packet[] | number | "drop" | undefined>;

const SOA: Packet = {
  name: "test",
  type: "SOA",
  ttl: 120,
  data: {
    mname: "ns.test",
    rname: "nobody.test",
    serial: 1,
    refresh: 2,
    retry: 3,
    expire: 4,
    minimum: 60,
  },
};

/** The answer of a zone; undefined for silence. A name with other types is "no such data", any other name does not exist. */
export function answerOf(zone: Zone, bytes: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const { id, questions, additionals } = dnsDecode(bytes);
  const { name, type } = questions[0];
  const lower = name.toLowerCase();
  const found = zone[`${lower} ${type}`];
  if (found === "drop") return undefined;
  const isKnown = Object.keys(zone).some((key) => key.startsWith(`${lower} `));
  const code = typeof found === "number" ? found : found === undefined && !isKnown ? 3 : 0;
  const packet: Packet = {
    type: "response",
    id,
    flags: 0x0180 | code,
    questions,
    answers: Array.isArray(found) ? found.map((record) => ({ name: lower, ...record })) : [],
    authorities: found === undefined ? [SOA] : [],
    additionals: additionals.length > 0
      ? [{ name: ".", type: "OPT", udpPayloadSize: 4096, flags: 0, options: [] }]
      : [],
  };
  return new Uint8Array(dnsPacket.encode(packet));
}

/** A DNS server by HTTPS. */
export interface DohServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** The queries so far. */
  readonly queries: Uint8Array[];
}

/** What a {@linkcode serveDoh} may be told. */
export interface DohServerOptions {
  readonly hostname?: string;
  /** By default with the test certificate. */
  readonly tls?: boolean;
  /** Changes the answer. */
  readonly respond?: (
    answer: Uint8Array<ArrayBuffer>,
    request: Request,
  ) => Response | Promise<Response>;
}

/** Serves a zone at `/dns-query`. */
export function serveDoh(zone: Zone, options: DohServerOptions = {}): DohServer {
  const { hostname = "127.0.0.1", tls = true } = options;
  const headers = { "content-type": "application/dns-message" };
  const respond = options.respond ?? ((answer) => new Response(answer, { headers }));
  const queries: Uint8Array[] = [];
  const identity = tls ? { cert: CERT, key: KEY } : {};
  const server = Deno.serve(
    { hostname, port: 0, onListen() {}, ...identity },
    async (request) => {
      const isAsked = request.method === "POST" && new URL(request.url).pathname === "/dns-query" &&
        request.headers.get("content-type") === "application/dns-message";
      if (!isAsked) return new Response(null, { status: 400 });
      const query = new Uint8Array(await request.arrayBuffer());
      queries.push(query);
      const answer = answerOf(zone, query);
      if (answer !== undefined) return await respond(answer, request);
      await new Promise<void>((resolve) => {
        request.signal.addEventListener("abort", () => resolve());
      });
      return new Response();
    },
  );
  const { port } = server.addr;
  const host = tls ? "localhost" : hostname;
  return {
    url: `http${tls ? "s" : ""}://${host}:${port}/dns-query`,
    port,
    queries,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
