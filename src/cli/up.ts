/**
 * `up`: brings a device up and carries what comes out of it.
 *
 * @module
 */

import { DEVICE_CIDRS } from "../dns/fake_addresses.ts";
import { run } from "../run.ts";
import type { Device } from "../tun/device.ts";
import { adoptTun } from "../tun/fd.ts";
import { openTun } from "../tun/linux.ts";
import type { UpCommand } from "./options.ts";
import { learnInto, openRoad, secretsOf } from "./road.ts";
import { aborted, listenForEnding } from "./signals.ts";
import { openRecording, tapDevice } from "./tap.ts";
import { type Terminal, terminalLog } from "./terminal.ts";
import { keepProxyWays, knowing } from "./ways.ts";

/**
 * Opens device and proxy, says `ready ...` in one line on standard error, and runs until it is asked to end or the device is
 * gone. The kernel removes the interface with its addresses and routes.
 */
export async function upCommand(command: UpCommand, terminal: Terminal): Promise<number> {
  const secrets = secretsOf(command.tunnel);
  const learn = learnInto(secrets);
  const log = terminalLog(command.log, terminal, secrets);
  using ending = listenForEnding();
  const { signal } = ending;
  try {
    await using road = await openRoad(command.tunnel, log, signal, learn);
    const addresses = command.addresses.length > 0 ? command.addresses : DEVICE_CIDRS;
    const recording = await openRecording(command.pcap);
    using ways = await keepProxyWays(command, log);
    const device = tapDevice(await openDevice(command, addresses), recording, log);
    await using running = run(device, road.client, {
      ...knowing(ways, command.names),
      blockDot: command.blockDot,
      udpBind: command.udpBind,
      addresses: addresses.map((cidr) => cidr.split("/")[0]),
      log,
    });
    terminal.err(readyLine(device, command, addresses, road.client.description));
    await Promise.race([aborted(signal), running.closed]);
    if (signal.aborted) return 0;
    log.error(`The device "${device.name}" is gone`);
    return 1;
  } catch (error) {
    if (signal.aborted && error === signal.reason) return 0;
    throw error;
  }
}

function openDevice(command: UpCommand, addresses: readonly string[]): Promise<Device> {
  const { tun: name, mtu, netns, routes, tunFd, offload } = command;
  if (tunFd !== undefined) return Promise.resolve(adoptTun(tunFd, { mtu }));
  return openTun({ name, mtu, netns, routes, offload, addresses });
}

function readyLine(
  { name, mtu, offload }: Device,
  { tunFd, netns, routes }: UpCommand,
  addresses: readonly string[],
  proxy: string,
): string {
  const place = netns === undefined ? "" : ` in ${netns}`;
  const given = tunFd === undefined ? ` ${addresses.join(" ")}` : "";
  const led = routes.length === 0 ? "" : `, routes ${routes.join(" ")}`;
  const how = offload ? "with offload" : "without offload";
  return `ready ${name}${place}${given} mtu ${mtu} ${how}${led}, through ${proxy}`;
}
