/**
 * The options of `doctor`.
 *
 * @module
 */

import type { Target } from "../tunnel/tunnel.ts";
import { type Arguments, one } from "./arguments.ts";
import { type NameChoices, readNames } from "./name_options.ts";
import type { Surroundings } from "./secrets.ts";
import { readAddress, readTarget } from "./values.ts";

/** `doctor`: looks at the machine, and at a proxy. */
export interface DoctorChoices<Tunnel> {
  readonly command: "doctor";
  /** Absent when only the machine is of interest. */
  readonly tunnel?: Tunnel;
  readonly names: NameChoices;
  /** Where the proxy is asked to lead. */
  readonly target: Target;
  /** For `--dns tunnel`: the server to ask; absent for this machine's own. */
  readonly nameserver?: string;
}

/** A host that is there to be tried (RFC 2606). */
const EXAMPLE: Target = { hostname: "example.com", port: 443 };

/**
 * Reads them; `readTunnel` reads those about the proxy.
 *
 * @throws {UsageError} If one cannot be read, or they contradict each other
 */
export function readDoctor<Tunnel>(
  found: Arguments,
  around: Surroundings,
  readTunnel: () => Tunnel,
): DoctorChoices<Tunnel> {
  return {
    command: "doctor",
    tunnel: found.hops[0].options.has("proxy") ? readTunnel() : undefined,
    names: readNames(found, around),
    target: one(found, "target", readTarget) ?? EXAMPLE,
    nameserver: one(found, "nameserver", readAddress),
  };
}
