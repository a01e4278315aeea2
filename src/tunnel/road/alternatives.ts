/**
 * What a proxy has said by `Alt-Svc` about where it speaks HTTP/3.
 *
 * Only an alternative on the proxy's own host counts: another host would have to be trusted for this one (RFC 7838, section 2.1), and for one proxy
 * that is asked for by name it would surprise more than it helps.
 *
 * @module
 */

import { parseAltSvc } from "../../masque/alt_svc.ts";

/** Remembers it. */
export class Alternatives {
  readonly #port: number;
  #http3: { readonly port: number; readonly until: number } | undefined;

  /** `port` is the proxy's. */
  constructor(port: number) {
    this.#port = port;
  }

  /** Where HTTP/3 is to be had at the time `now` in ms; `undefined` when nothing was said. */
  http3Port(now: number): number | undefined {
    return this.#http3 !== undefined && now < this.#http3.until ? this.#http3.port : undefined;
  }

  /** Takes note of a field, and says whether there is a way to HTTP/3 that was not known before. */
  learn(field: string, now: number): boolean {
    const found = parseAltSvc(field);
    const before = this.http3Port(now);
    if (found === "clear") {
      this.#http3 = undefined;
      return false;
    }
    const http3 = found.find(({ protocol, hostname }) => protocol === "h3" && hostname === "");
    if (http3 === undefined) return false;
    this.#http3 = { port: http3.port, until: now + http3.maxAge * 1_000 };
    return http3.port !== (before ?? this.#port);
  }
}
