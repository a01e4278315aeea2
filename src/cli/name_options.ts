/**
 * The options about DNS, for `run` and `up`.
 *
 * @module
 */

import type { DnsMode, NameOptions } from "../names.ts";
import { all, type Arguments, one } from "./arguments.ts";
import { readFile, type Surroundings } from "./secrets.ts";
import { UsageError } from "./usage_error.ts";
import { readChoice, readDoh } from "./values.ts";

/** What the command line says about names. */
export type NameChoices = NameOptions & { readonly dns: DnsMode };

const MODES: readonly DnsMode[] = ["fake", "doh", "tunnel", "off"];

/**
 * Reads them.
 *
 * @throws {UsageError} If one cannot be read, or they contradict each other
 */
export function readNames(found: Arguments, around: Surroundings): NameChoices {
  const dns = one(found, "dns", (text) => readChoice("dns", text, MODES)) ?? "fake";
  const doh = all(found, "doh", readDoh);
  if (doh.length > 0 && dns !== "doh") {
    throw new UsageError("Option --doh names a server for --dns doh: give that, too");
  }
  const useless = ["hosts", "no-ipv6"].find((name) => found.options.has(name));
  if (dns === "off" && useless !== undefined) {
    throw new UsageError(
      `Option --${useless} needs somebody who answers: give another --dns than off`,
    );
  }
  return {
    dns,
    doh: doh.length > 0 ? doh : undefined,
    hosts: one(found, "hosts", (path) => readFile("hosts", path, around)),
    ipv6: found.options.has("no-ipv6") ? false : undefined,
  };
}
