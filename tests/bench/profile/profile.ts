/**
 * Where the time of `up` goes: its processor profile under loads, as a table.
 *
 * @module
 */

import { BLOCKS, borrowAddresses } from "../../support/addresses.ts";
import { createNamespace } from "../../support/netns.ts";
import { startProcess } from "../../support/process.ts";
import { commandLine, startEmbeddedProxy } from "../../support/pseudotcp.ts";
import type { Cells } from "../cells.ts";
import type { Road, Servers } from "../roads/road.ts";
import { startServers } from "../servers.ts";
import { nanoseconds } from "../wake/clock.ts";
import { runIperf } from "../works/iperf.ts";
import { runLoad } from "../works/run_load.ts";
import {
  type CpuProfile,
  heaviest,
  PART_NAMES,
  type Shares,
  sharesOf,
  type Span,
} from "./parts.ts";

/** What `up` does while it is watched. */
interface Load {
  readonly name: string;
  readonly flags: readonly string[];
  readonly tls: boolean;
  run(road: Pick<Road, "place" | "servers" | "origin">, seconds: number): Promise<unknown>;
}

const upload: Load["run"] = (road, seconds) => runIperf(road as Road, "-t", seconds);
const download: Load["run"] = (road, seconds) => runIperf(road as Road, "-t", seconds, "-R");
const requests: Load["run"] = ({ place, servers }, seconds) =>
  runLoad(place, "ask", servers.hostname, servers.echoPort, seconds);

const H1 = { flags: ["--http", "1.1"], tls: false };
const H1_TLS = { flags: ["--http", "1.1"], tls: true };
const H2_TLS = { flags: ["--http", "2"], tls: true };

const LOADS: readonly Load[] = [
  { name: "HTTP/1.1 up", ...H1, run: upload },
  { name: "HTTP/1.1 down", ...H1, run: download },
  { name: "HTTP/1.1 requests", ...H1, run: requests },
  { name: "TLS up", ...H1_TLS, run: upload },
  { name: "TLS down", ...H1_TLS, run: download },
  { name: "HTTP/2 up", ...H2_TLS, run: upload },
  { name: "HTTP/2 down", ...H2_TLS, run: download },
];

/** A column for each load: the shares of the time in which the main thread was busy. `tell` takes the functions behind each. */
export async function profileTable(seconds: number, tell: (words: string) => void): Promise<Cells> {
  await using stack = new AsyncDisposableStack();
  const { ipv4 } = stack.use(await borrowAddresses());
  const servers = await startServers(ipv4, stack);
  const columns: Shares[] = [];
  for (const load of LOADS) columns.push(await watch(load, servers, seconds, tell));
  const percent = (share = 0) => share < 0.005 ? "" : `${(share * 100).toFixed(0)} %`;
  return [
    ["of the busy time", ...LOADS.map(({ name }) => name)],
    ...PART_NAMES.map((part) => [part, ...columns.map(({ busy }) => percent(busy.get(part)))]),
    ["(idle, of all time)", ...columns.map(({ idle }) => percent(idle))],
  ];
}

async function watch(load: Load, servers: Servers, seconds: number, tell: (words: string) => void) {
  const folder = await Deno.makeTempDir({ prefix: "pseudotcp-profile-" });
  try {
    const span = await runWatched(load, servers, seconds, folder);
    const [file] = [...Deno.readDirSync(folder)];
    const profile: CpuProfile = JSON.parse(await Deno.readTextFile(`${folder}/${file.name}`));
    tell(load.name);
    for (const part of PART_NAMES) {
      tell(`  ${part}: ${heaviest(profile, span, part, 4).join(", ")}`);
    }
    return sharesOf(profile, span);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs `up` with a profile into `folder`; gives the time of the load, without start and end. */
async function runWatched(
  { flags, tls, run }: Load,
  servers: Servers,
  seconds: number,
  folder: string,
): Promise<Span> {
  await using namespace = await createNamespace();
  await using proxy = await startEmbeddedProxy(...(tls ? [] : ["--plain"]));
  const url = `${tls ? "https" : "http"}://${proxy.authority}`;
  const pin = proxy.pin === undefined ? [] : ["--pin", proxy.pin];
  const place = ["--netns", namespace.name, "--tun", "tun0", "--route", BLOCKS.ipv4];
  const [command, ...words] = commandLine("up", "--proxy", url, ...pin, ...place, ...flags);
  const watching = ["--cpu-prof", `--cpu-prof-dir=${folder}`];
  // The profile is written when the program has ended in order.
  await using engine = startProcess(command, words.toSpliced(1, 0, ...watching));
  await engine.waitFor(/^ready /m, 20_000);
  const from = Number(nanoseconds() / 1000n);
  await run({ place: namespace, servers, origin: servers }, seconds);
  return { from, to: Number(nanoseconds() / 1000n) };
}
