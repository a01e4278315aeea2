/**
 * `run`: one command in a network of its own.
 *
 * @module
 */

import { DEVICE_CIDRS } from "../dns/fake_addresses.ts";
import { run } from "../run.ts";
import { type NamespaceProgram, startInNamespace } from "../tun/namespace.ts";
import { nameserverFor } from "./nameserver.ts";
import type { RunCommand } from "./options.ts";
import { learnInto, openRoad, secretsOf } from "./road.ts";
import { SECRET_VARIABLES } from "./secrets.ts";
import { openRecording, tapDevice } from "./tap.ts";
import { type Terminal, terminalLog } from "./terminal.ts";

/** Signals that somebody sends to this process and means for the command. */
const FORWARDED: readonly Deno.Signal[] = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"];
/** Signals that a terminal sends to both of us by itself; sent again they would count twice. */
const FROM_TERMINAL: readonly Deno.Signal[] = ["SIGINT", "SIGQUIT"];

/** Runs the command and gives its exit status, 128 and the signal's number when a signal ended it. */
export async function runCommand(command: RunCommand, terminal: Terminal): Promise<number> {
  const secrets = secretsOf(command.tunnel);
  const learn = learnInto(secrets);
  const log = terminalLog(command.log, terminal, secrets);
  // The command inherits the environment, and has no business with our secrets.
  for (const variable of Object.values(SECRET_VARIABLES)) Deno.env.delete(variable);
  const recording = await openRecording(command.pcap);
  await using road = await openRoad(command.tunnel, log, undefined, learn);
  await using program = await startInNamespace({
    command: command.argv,
    addresses: DEVICE_CIDRS,
    nameserver: nameserverFor(command),
  });
  forwardSignals(program);
  const device = tapDevice(program.device, recording, log);
  await using _running = run(device, road.client, {
    ...command.names,
    blockDot: command.blockDot,
    udpBind: command.udpBind,
    addresses: DEVICE_CIDRS.map((cidr) => cidr.split("/")[0]),
    log,
  });
  log.info(`ready ${program.device.name}, through ${road.client.description}`);
  program.go();
  const { code, problem } = await program.status;
  if (problem !== undefined) terminal.err(problem);
  return code;
}

/**
 * The listeners stay until this process ends: a signal that came before its listener went, and was not looked at yet, would end
 * the process as if nobody had listened, and the command's own status would be lost.
 */
function forwardSignals(program: NamespaceProgram): void {
  const hasTerminal = [Deno.stdin, Deno.stdout, Deno.stderr].some((end) => end.isTerminal());
  for (const signal of [...FORWARDED, ...FROM_TERMINAL]) {
    const isEcho = hasTerminal && FROM_TERMINAL.includes(signal);
    Deno.addSignalListener(signal, () => isEcho ? undefined : program.kill(signal));
  }
}
