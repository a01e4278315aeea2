/**
 * The command line as typed, validated values: what is returned here can be carried out, and what cannot is refused with
 * one sentence.
 *
 * @module
 */

import type { LogLevel } from "../log.ts";
import { all, type Arguments, exclude, one, readArguments } from "./arguments.ts";
import type { UdpBind } from "../udp_roads.ts";
import { type DoctorChoices, readDoctor } from "./doctor_options.ts";
import { type NameChoices, readNames } from "./name_options.ts";
import { type CommandName, COMMANDS, optionsOf } from "./option_table.ts";
import { readPem, readToken, type Surroundings } from "./secrets.ts";
import { readTunnel, spendsFile, type TunnelOptions } from "./tunnel_options.ts";
import { UsageError } from "./usage_error.ts";
import {
  type Endpoint,
  readAddress,
  readBind,
  readChoice,
  readCidr,
  readEndpoint,
  readInterface,
  readLogLevel,
  readMtu,
  readNamespace,
  readNumber,
} from "./values.ts";

/** What `--udp-bind` takes. */
const UDP_BIND: readonly UdpBind[] = ["auto", "always", "off"];

/** Far beyond what has been measured; the kernel itself stops at 256 queues. */
const MAX_WORKERS = 64;

/** What `run` and `up` share. */
export interface TrafficOptions {
  readonly tunnel: TunnelOptions;
  readonly names: NameChoices;
  readonly blockDot: boolean;
  readonly udpBind: UdpBind;
  /** Where the packets are recorded. */
  readonly pcap?: string;
  readonly log: LogLevel;
}

/** `run`: one command in a network of its own. */
export interface RunCommand extends TrafficOptions {
  readonly command: "run";
  /** The address of the server in the command's `resolv.conf`; absent where the resolver inside answers. */
  readonly nameserver?: string;
  /** The command and its arguments. */
  readonly argv: readonly [string, ...string[]];
}

/** `up`: a device. */
export interface UpCommand extends TrafficOptions {
  readonly command: "up";
  readonly tun?: string;
  readonly addresses: readonly string[];
  readonly mtu?: number;
  readonly netns?: string;
  readonly routes: readonly string[];
  readonly tunFd?: number;
  readonly offload: boolean;
  /** Threads with a queue of the device each; 1 is this one alone. */
  readonly workers: number;
}

/** As many connections as one address has ports for, nearly. */
const MAX_CLIENT_FLOWS = 65_000;

/** `proxy`: the embedded proxy for others. */
export interface ProxyCommand {
  readonly command: "proxy";
  readonly listen: Endpoint;
  readonly plain: boolean;
  /** PEM texts of certificate and key; undefined to make them on the spot. */
  readonly identity?: { readonly cert: string; readonly key: string };
  readonly token?: string;
  readonly allow: readonly string[];
  /** Addresses for UDP ports; empty for the one at which a client reached the proxy. */
  readonly bind: readonly string[];
  /** Undefined for the usual bounds. */
  readonly clientFlows?: number;
  readonly log: LogLevel;
}

/** `doctor`: looks at the machine, and at a proxy. */
export type DoctorCommand = DoctorChoices<TunnelOptions>;

/** What to do. */
export type Command =
  | RunCommand
  | UpCommand
  | ProxyCommand
  | DoctorCommand
  | { readonly command: "help"; readonly topic?: CommandName }
  | { readonly command: "version" };

/**
 * Reads a command line.
 *
 * @throws {UsageError} If it cannot be followed
 */
export function parseOptions(args: readonly string[], around: Surroundings): Command {
  const [first, ...words] = args;
  if (first === undefined) {
    throw new UsageError("Say what to do: run, up, proxy or doctor; --help explains them");
  }
  if (first === "--help" || first === "-h" || first === "help") {
    return { command: "help", topic: COMMANDS.find((name) => name === words[0]) };
  }
  if (first === "--version") return { command: "version" };
  const command = COMMANDS.find((name) => name === first);
  if (command === undefined) {
    throw new UsageError(
      first.startsWith("-")
        ? `Option "${first}" stands before the command: begin with run, up, proxy or doctor`
        : `There is no command "${first}": there are run, up, proxy and doctor`,
    );
  }
  const found = readArguments(words, optionsOf(command));
  if (found.options.has("help")) return { command: "help", topic: command };
  if (found.options.has("version")) return { command: "version" };
  if (command === "run") return readRun(found, around);
  if (found.rest.length > 0) {
    throw new UsageError(
      `The command ${command} does not know what to do with "${found.rest[0]}": leave it out`,
    );
  }
  if (command === "up") return readUp(found, around);
  if (command === "proxy") return readProxyCommand(found, around);
  return readDoctor(found, around, () => readTunnel(found, around));
}

function readRun(found: Arguments, around: Surroundings): RunCommand {
  const [program, ...rest] = found.rest;
  const traffic = readTraffic(found, around, "warn");
  if (program === undefined || program === "") {
    throw new UsageError("Say which command to run: run [OPTIONS] -- COMMAND [ARG...]");
  }
  const nameserver = one(found, "nameserver", readAddress);
  const { dns } = traffic.names;
  if (nameserver !== undefined && dns !== "tunnel" && dns !== "off") {
    throw new UsageError(
      `Option --nameserver is for --dns tunnel and --dns off: with ${dns} every server's questions are answered here`,
    );
  }
  return { command: "run", ...traffic, nameserver, argv: [program, ...rest] };
}

function readUp(found: Arguments, around: Surroundings): UpCommand {
  exclude(found, "tun-fd", ["tun", "address", "netns", "route"]);
  const workers = one(found, "workers", (text) => readNumber("workers", text, 1, MAX_WORKERS)) ?? 1;
  // A descriptor is one queue, and a recording of several would need one clock and one writer.
  if (workers > 1) exclude(found, "workers", ["tun-fd", "pcap"]);
  const traffic = readTraffic(found, around, "info");
  if (workers > 1 && spendsFile(traffic.tunnel)) {
    throw new UsageError(
      "Option --pass-tokens takes each token out of a file, for one taker alone: leave out --workers, or give --pass-command",
    );
  }
  if (
    traffic.tunnel.proxy === "embedded" && found.options.has("route") && !found.options.has("netns")
  ) {
    // The proxy in this process goes where this machine's routes lead: round and round.
    throw new UsageError(
      "A route into the device would catch the embedded proxy itself: give --netns too, or another proxy",
    );
  }
  return {
    command: "up",
    ...traffic,
    tun: one(found, "tun", readInterface),
    addresses: all(found, "address", (text) => readCidr("address", text)),
    mtu: one(found, "mtu", readMtu),
    netns: one(found, "netns", readNamespace),
    routes: all(found, "route", (text) => readCidr("route", text)),
    // 0 to 2 are the terminal's; the kernel gives no process more than 2^20 by default.
    tunFd: one(found, "tun-fd", (text) => readNumber("tun-fd", text, 3, 2 ** 20)),
    offload: !found.options.has("no-offload"),
    workers,
  };
}

const CLIENT_FLOWS = "client-flows";

function readProxyCommand(found: Arguments, around: Surroundings): ProxyCommand {
  const listen = one(found, "listen", (text) => readEndpoint(text));
  if (listen === undefined) {
    throw new UsageError("Say where to listen: proxy --listen HOST:PORT, such as 127.0.0.1:8443");
  }
  exclude(found, "plain", ["cert", "key"]);
  const cert = one(found, "cert", (path) => readPem("cert", path, "CERTIFICATE", around));
  const key = one(found, "key", (path) => readPem("key", path, "PRIVATE KEY", around));
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError("Options --cert and --key need each other: give both, or none");
  }
  return {
    command: "proxy",
    listen,
    plain: found.options.has("plain"),
    identity: cert !== undefined && key !== undefined ? { cert, key } : undefined,
    token: readToken(one(found, "token", String), around),
    allow: all(found, "allow", (text) => readCidr("allow", text)),
    bind: all(found, "bind", readBind),
    clientFlows: one(
      found,
      CLIENT_FLOWS,
      (text) => readNumber(CLIENT_FLOWS, text, 1, MAX_CLIENT_FLOWS),
    ),
    log: one(found, "log", readLogLevel) ?? "info",
  };
}

function readTraffic(found: Arguments, around: Surroundings, log: LogLevel): TrafficOptions {
  return {
    tunnel: readTunnel(found, around),
    names: readNames(found, around),
    blockDot: found.options.has("block-dot"),
    udpBind: one(found, "udp-bind", (text) => readChoice("udp-bind", text, UDP_BIND)) ?? "auto",
    pcap: one(found, "pcap", String),
    log: one(found, "log", readLogLevel) ?? log,
  };
}
