/**
 * `up`: brings a device up and carries what comes out of it.
 *
 * @module
 */

import { DEVICE_CIDRS } from "../dns/fake_addresses.ts";
import { run, type RunOptions } from "../run.ts";
import type { Device } from "../tun/device.ts";
import { adoptTun } from "../tun/fd.ts";
import { openTun, openTunQueues, type TunOptions } from "../tun/linux.ts";
import { Chorus } from "../workers/chorus.ts";
import { startTeam, type TeamOptions } from "../workers/team.ts";
import type { UpCommand } from "./options.ts";
import { learnInto, openRoad, type Road, secretsOf } from "./road.ts";
import { aborted, listenForEnding } from "./signals.ts";
import { openRecording, tapDevice } from "./tap.ts";
import { type Terminal, terminalLog } from "./terminal.ts";
import { keepProxyWays, knowing } from "./ways.ts";
import { packTunnel } from "./worker_place.ts";

/**
 * Opens device and proxy, says `ready ...` in one line on standard error, and runs until it is asked to end or the device is
 * gone. The kernel removes the interface with its addresses and routes.
 */
export async function upCommand(command: UpCommand, terminal: Terminal): Promise<number> {
  const secrets = secretsOf(command.tunnel);
  const learn = learnInto(secrets);
  const log = terminalLog(command.log, terminal, secrets);
  const chorus = new Chorus(log);
  using ending = listenForEnding();
  const { signal } = ending;
  try {
    await using road = await openRoad(command.tunnel, chorus.main, signal, learn);
    const addresses = command.addresses.length > 0 ? command.addresses : DEVICE_CIDRS;
    const recording = await openRecording(command.pcap);
    using ways = await keepProxyWays(command, log);
    const options = {
      ...knowing(ways, command.names),
      blockDot: command.blockDot,
      udpBind: command.udpBind,
      addresses: addresses.map((cidr) => cidr.split("/")[0]),
    };
    const tun = tunOptions(command, addresses);
    await using carrying = command.workers > 1
      ? await byWorkers(command.workers, tun, road, { ...options, chorus, learn, signal })
      : alone(tapDevice(await openDevice(command, tun), recording, log), road, { ...options, log });
    terminal.err(readyLine(carrying.device, command, addresses, road.client.description));
    await Promise.race([aborted(signal), carrying.closed]);
    if (signal.aborted) return 0;
    log.error(`The device "${carrying.device.name}" is gone`);
    return 1;
  } catch (error) {
    if (signal.aborted && error === signal.reason) return 0;
    throw error;
  }
}

/** What carries the traffic, with what there is to say of its device. */
interface Carrying extends AsyncDisposable {
  readonly device: Pick<Device, "name" | "mtu" | "offload">;
  readonly closed: Promise<void>;
}

function alone(device: Device, road: Road, options: RunOptions): Carrying {
  const running = run(device, road.client, options);
  return { device, closed: running.closed, [Symbol.asyncDispose]: () => running.close() };
}

async function byWorkers(
  count: number,
  tun: TunOptions,
  road: Road,
  options: Omit<TeamOptions, "queues" | "proxy" | "place" | "hire">,
): Promise<Carrying> {
  const queues = await openTunQueues(count, tun);
  const [{ name, mtu, hasHeader: offload }] = queues;
  const hire = () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  const place = packTunnel(road.options);
  const team = await startTeam({ ...options, queues, proxy: road.client, hire, place });
  const device = { name, mtu, offload };
  return { device, closed: team.closed, [Symbol.asyncDispose]: () => team.close() };
}

function tunOptions(command: UpCommand, addresses: readonly string[]): TunOptions {
  const { tun: name, mtu, netns, routes, offload } = command;
  return { name, mtu, netns, routes, offload, addresses };
}

function openDevice({ tunFd, mtu }: UpCommand, tun: TunOptions): Promise<Device> {
  return tunFd === undefined ? openTun(tun) : Promise.resolve(adoptTun(tunFd, { mtu }));
}

function readyLine(
  { name, mtu, offload }: Carrying["device"],
  { tunFd, netns, routes, workers }: UpCommand,
  addresses: readonly string[],
  proxy: string,
): string {
  const place = netns === undefined ? "" : ` in ${netns}`;
  const given = tunFd === undefined ? ` ${addresses.join(" ")}` : "";
  const led = routes.length === 0 ? "" : `, routes ${routes.join(" ")}`;
  const how = offload ? "with offload" : "without offload";
  const many = workers === 1 ? "" : `, ${workers} workers`;
  return `ready ${name}${place}${given} mtu ${mtu} ${how}${led}${many}, through ${proxy}`;
}
