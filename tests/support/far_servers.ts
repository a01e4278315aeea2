/**
 * What stands behind the proxy in another network namespace: an HTTP origin, a DNS server on port 53, and one by HTTPS.
 * `deno run -A far_servers.ts ADDRESS` prints one line of JSON when all listen, and runs until it is ended.
 *
 * @module
 */

import { serveDns } from "./dns_server.ts";
import { serveDoh, type Zone } from "./dns.ts";
import { serveHttp } from "./origin.ts";

/** What the script says. */
export interface FarServers {
  /** The port of the HTTP origin. */
  readonly http: number;
  /** The URL of the DNS server by HTTPS. */
  readonly doh: string;
}

/** The names behind the proxy. */
export function farZone(address: string): Zone {
  const type = address.includes(":") ? "AAAA" : "A";
  return {
    [`origin.test ${type}`]: [{ type, ttl: 300, data: address }],
    "six.test AAAA": [{ type: "AAAA", ttl: 300, data: "2001:db8::6" }],
    "large.test TXT": [{ type: "TXT", ttl: 300, data: Array(15).fill("x".repeat(200)) }],
    "huge.test TXT": [{ type: "TXT", ttl: 300, data: Array(100).fill("y".repeat(200)) }],
  };
}

if (import.meta.main) {
  const [address] = Deno.args;
  const zone = farZone(address);
  const origin = serveHttp(address);
  await serveDns(zone, address);
  const doh = serveDoh(zone);
  console.log(JSON.stringify({ http: origin.port, doh: doh.url } satisfies FarServers));
}
