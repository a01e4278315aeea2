/**
 * The roads through this program: `up` and the embedded proxy, and for each HTTP version the bare tunnel that bounds it.
 *
 * @module
 */

import { createNamespace } from "../../support/netns.ts";
import { type Process, startProcess } from "../../support/process.ts";
import {
  type EmbeddedProxy,
  startEmbeddedProxy,
  startHttp3Proxy,
  startUp,
} from "../../support/pseudotcp.ts";
import { opened, type Road, type RoadPlan, type RoadProcess, type Servers } from "./road.ts";

/** How one of the roads differs from the others. */
interface Variant {
  readonly name: string;
  readonly http: "1.1" | "2" | "3";
  readonly tls: boolean;
  readonly offload?: boolean;
  readonly workers?: number;
  /** Whether it stands for its HTTP version where it is not about the throughput of TCP. */
  readonly isMain?: boolean;
  readonly isQuick?: boolean;
}

const VARIANTS: readonly Variant[] = [
  { name: "h1", http: "1.1", tls: false, isMain: true, isQuick: true },
  { name: "h1-no-offload", http: "1.1", tls: false, offload: false },
  { name: "h1-workers", http: "1.1", tls: false, workers: 2 },
  { name: "h1-tls", http: "1.1", tls: true },
  { name: "h2", http: "2", tls: false },
  { name: "h2-tls", http: "2", tls: true, isMain: true, isQuick: true },
  { name: "h3", http: "3", tls: true, isMain: true },
];

const BARE: readonly Variant[] = [
  { name: "bare-h1", http: "1.1", tls: false },
  { name: "bare-h1-tls", http: "1.1", tls: true },
  { name: "bare-h2-tls", http: "2", tls: true },
  { name: "bare-h3", http: "3", tls: true },
];

/** The road of a client that needs nobody. */
const DIRECT: RoadPlan = {
  name: "direct",
  words: "the same client and server without anything between",
  udp: true,
  crowds: true,
  isQuick: true,
  isPeer: false,
  open: (servers) =>
    Promise.resolve({
      place: "here",
      servers,
      origin: servers,
      processes: [],
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
};

/** All roads that need nothing but this repository. */
export const OUR_ROADS: readonly RoadPlan[] = [
  DIRECT,
  ...VARIANTS.map(through),
  ...BARE.map(bare),
];

/** All programs here are one client, and some works open ten thousand connections. */
const CLIENT_FLOWS = "20000";

function startProxy({ http, tls }: Variant): Promise<EmbeddedProxy> {
  const flags = ["--client-flows", CLIENT_FLOWS, ...(tls ? [] : ["--plain"])];
  return http === "3" ? startHttp3Proxy(...flags) : startEmbeddedProxy(...flags);
}

function words({ http, tls, offload = true, workers }: Variant): string {
  const layer = http === "3" ? "over QUIC" : tls ? "over TLS" : "in the clear";
  const threads = workers === undefined ? "" : `, --workers ${workers}`;
  return `HTTP/${http} ${layer}${offload ? "" : ", without offload"}${threads}`;
}

function through(variant: Variant): RoadPlan {
  const { name, isMain = false, isQuick = false } = variant;
  return {
    name,
    words: `up --mtu 1500, ${words(variant)}, to the embedded proxy`,
    udp: isMain,
    crowds: isMain,
    isQuick,
    isPeer: false,
    open: (servers) => openThrough(variant, servers),
  };
}

async function openThrough(variant: Variant, servers: Servers): Promise<Road> {
  await using stack = new AsyncDisposableStack();
  const namespace = stack.use(await createNamespace());
  const proxy = stack.use(await startProxy(variant));
  const flags = [
    "--http",
    variant.http,
    ...(proxy.pin === undefined ? [] : ["--pin", proxy.pin]),
    ...(variant.offload === false ? ["--no-offload"] : []),
    ...(variant.workers === undefined ? [] : ["--workers", `${variant.workers}`]),
  ];
  const url = `${variant.tls ? "https" : "http"}://${proxy.authority}`;
  const engine = stack.use(await startUp(namespace, url, ...flags));
  const processes = processesOf(engine, proxy);
  return opened(stack, { place: namespace, servers, origin: servers, processes });
}

/** The same tunnels of the same runtime, fed by sockets: what is lost to packets is the difference. */
function bare(variant: Variant): RoadPlan {
  return {
    name: variant.name,
    words: `a socket for each tunnel, no packets, ${words(variant)}, to the embedded proxy`,
    udp: false,
    crowds: false,
    isQuick: false,
    isPeer: false,
    open: (servers) => openBare(variant, servers),
  };
}

async function openBare(variant: Variant, servers: Servers): Promise<Road> {
  await using stack = new AsyncDisposableStack();
  const proxy = stack.use(await startProxy(variant));
  const url = `${variant.tls ? "https" : "http"}://${proxy.authority}`;
  const { hostname, iperfPort, echoPort } = servers;
  const program = new URL("bare_tunnel.ts", import.meta.url).pathname;
  const flags = ["run", "-A", "--unstable-net"];
  const args = [
    ...flags,
    program,
    url,
    variant.http,
    proxy.pin ?? "none",
    hostname,
    `${iperfPort}`,
    `${echoPort}`,
  ];
  const engine = stack.use(startProcess(Deno.execPath(), args));
  const [, iperf, echo] = await engine.waitFor(/^ready (\d+) (\d+)/m, 20_000);
  const seen = {
    ...servers,
    hostname: "127.0.0.1",
    iperfPort: Number(iperf),
    echoPort: Number(echo),
  };
  const processes = processesOf(engine, proxy);
  return opened(stack, { place: "here", servers: seen, origin: servers, processes });
}

function processesOf(engine: Process, proxy: EmbeddedProxy): RoadProcess[] {
  return [
    { role: "engine", pid: engine.pid },
    { role: "proxy", pid: proxy.process.pid },
  ];
}
