/**
 * `doctor`: says of the machine and of a proxy what works, what does not, and what to do about it.
 *
 * @module
 */

import { type Finding, lineOf, note } from "./doctor/finding.ts";
import { machineFindings } from "./doctor/machine.ts";
import { nameFindings } from "./doctor/names.ts";
import { proxyFindings } from "./doctor/proxy.ts";
import { redact } from "../masque/auth.ts";
import type { DoctorCommand } from "./options.ts";
import { secretsOf } from "./road.ts";
import type { Terminal } from "./terminal.ts";

/** Prints a line for each finding; the status is 1 when something does not work. */
export async function doctorCommand(command: DoctorCommand, terminal: Terminal): Promise<number> {
  const secrets = command.tunnel === undefined ? [] : secretsOf(command.tunnel);
  let status = 0;
  for await (const finding of findings(command)) {
    terminal.out(redact(lineOf(finding, terminal.color.out), secrets));
    if (finding.verdict === "no") status = 1;
  }
  return status;
}

async function* findings(command: DoctorCommand): AsyncGenerator<Finding> {
  yield* machineFindings();
  const { tunnel, target } = command;
  if (tunnel === undefined) {
    return yield note("No proxy was looked at", "name it with --proxy URL, as for run");
  }
  yield* proxyFindings(
    tunnel,
    target,
    (client, carriesTcp) => nameFindings(command, client, carriesTcp),
  );
}
