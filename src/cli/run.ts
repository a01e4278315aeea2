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
import { openRoad, secretsOf } from "./road.ts";
import { SECRET_VARIABLES } from "./secrets.ts";
import { openRecording, tapDevice } from "./tap.ts";
import { type Terminal, terminalLog } from "./terminal.ts";

/** Signals that somebody sends to this process and means for the command. */
const FORWARDED: readonly Deno.Signal[] = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"];
/** Signals that a terminal sends to both of us by itself; sent again they would count twice. */
const FROM_TERMINAL: readonly Deno.Signal[] = ["SIGINT", "SIGQUIT"];

/** Runs the command and gives its exit status, 128 and the signal's number when a signal ended it. */
export async function runCommand(command: RunCommand, terminal: Terminal): Promise<number> {
  const log = terminalLog(command.log, terminal, secretsOf(command.tunnel));
  // The command inherits the environment, and has no business with our secrets.
  for (const variable of Object.values(SECRET_VARIABLES)) Deno.env.delete(variable);
  const recording = await openRecording(command.pcap);
  await using road = await openRoad(command.tunnel, log);
  await using program = await startInNamespace({
    command: command.argv,
    addresses: DEVICE_CIDRS,
    nameserver: nameserverFor(command),
  });
  using _signals = forwardSignals(program);
  const device = tapDevice(program.device, recording, log);
  await using _running = run(device, road.client, {
    ...command.names,
    blockDot: command.blockDot,
    addresses: DEVICE_CIDRS.map((cidr) => cidr.split("/")[0]),
    log,
  });
  log.info(`ready ${program.device.name}, through ${road.client.description}`);
  program.go();
  const { code, problem } = await program.status;
  if (problem !== undefined) terminal.err(problem);
  return code;
}

function forwardSignals(program: NamespaceProgram): Disposable {
  const hasTerminal = [Deno.stdin, Deno.stdout, Deno.stderr].some((end) => end.isTerminal());
  const listeners = [...FORWARDED, ...FROM_TERMINAL].map((signal) => {
    const isEcho = hasTerminal && FROM_TERMINAL.includes(signal);
    const listener = () => isEcho ? undefined : program.kill(signal);
    Deno.addSignalListener(signal, listener);
    return { signal, listener };
  });
  return {
    [Symbol.dispose]() {
      for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
    },
  };
}
