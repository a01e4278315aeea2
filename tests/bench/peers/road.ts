/**
 * The road through a peer: its device in a namespace, its sockets on this machine, and a proxy of its protocol on loopback; as `up --netns`
 * has it.
 *
 * @module
 */

import { BLOCKS } from "../../support/addresses.ts";
import { createNamespace } from "../../support/netns.ts";
import { type Process, startProcess } from "../../support/process.ts";
import { startUp } from "../../support/pseudotcp.ts";
import { type Server, startServer } from "../../support/servers.ts";
import { runTool } from "../../support/tools.ts";
import { opened, type Road, type RoadPlan, type RoadProcess, type Servers } from "../roads/road.ts";
import type { Peer } from "./peer.ts";

const START_TIMEOUT_MS = 20_000;
const ASK_EVERY_MS = 50;

/** A road through `program`; `hop` is sing-box, whose mixed listener is the proxy. */
export function peerRoad(peer: Peer, program: string, hop: string): RoadPlan {
  return {
    name: peer.name,
    words: `${peer.words}, to sing-box as SOCKS5 proxy`,
    udp: true,
    crowds: true,
    isQuick: true,
    isPeer: true,
    open: (servers) => openPeer(peer, program, hop, servers),
  };
}

/** This program on the hop that the peers have. */
export function viaSingBox(hop: string): RoadPlan {
  return {
    name: "h1-same-hop",
    words: "up --mtu 1500, HTTP/1.1 in the clear, to sing-box as HTTP proxy, as the peers have it",
    udp: false,
    crowds: true,
    isQuick: true,
    isPeer: true,
    async open(servers) {
      await using stack = new AsyncDisposableStack();
      const namespace = stack.use(await createNamespace());
      const proxy = stack.use(await startHop(hop));
      const url = `http://${proxy.authority}`;
      const engine = stack.use(await startUp(namespace, url, "--http", "1.1"));
      const processes = processesOf(engine, proxy);
      return opened(stack, { place: namespace, servers, origin: servers, processes });
    },
  };
}

async function openPeer(
  peer: Peer,
  program: string,
  hop: string,
  servers: Servers,
): Promise<Road> {
  await using stack = new AsyncDisposableStack();
  const namespace = stack.use(await createNamespace());
  const proxy = stack.use(await startHop(hop));
  const folder = await Deno.makeTempDir({ prefix: "pseudotcp-bench-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const device = `ptb${crypto.getRandomValues(new Uint8Array(4)).toHex()}`;
  const args = await peer.args({ device, socksPort: proxy.port, folder });
  const engine = stack.use(startProcess(program, args));
  await untilThere(device, engine);
  // The device goes where the clients are; the engine's own sockets stay here, one loopback hop from the proxy.
  await runTool("ip", "link", "set", device, "netns", namespace.name);
  const inside = (...words: string[]) => runTool("ip", "-n", namespace.name, ...words);
  await inside("address", "add", "172.31.250.2/30", "dev", device);
  await inside("link", "set", device, "up");
  await inside("route", "add", BLOCKS.ipv4, "dev", device);
  const processes = processesOf(engine, proxy);
  return opened(stack, { place: namespace, servers, origin: servers, processes });
}

/** sing-box as SOCKS5 and HTTP proxy. */
function startHop(program: string): Promise<Server> {
  return startServer(async (port, folder) => {
    const config = `${folder}/proxy.json`;
    const inbound = { type: "mixed", listen: "127.0.0.1", listen_port: port };
    const text = { log: { level: "error" }, inbounds: [inbound], outbounds: [{ type: "direct" }] };
    await Deno.writeTextFile(config, JSON.stringify(text));
    return [program, "run", "-c", config];
  });
}

async function untilThere(device: string, engine: Process): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  let ended = false;
  engine.status.then(() => ended = true);
  while (!isThere(device)) {
    if (ended || performance.now() > deadline) {
      throw new Error(`It made no device: ${engine.said().slice(-500)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
  // Addresses and flags follow the device, and must not come behind the move.
  await new Promise((resolve) => setTimeout(resolve, 10 * ASK_EVERY_MS));
}

function isThere(device: string): boolean {
  try {
    return Deno.statSync(`/sys/class/net/${device}`).isDirectory;
  } catch {
    return false;
  }
}

function processesOf(engine: Process, proxy: Server): RoadProcess[] {
  return [
    { role: "engine", pid: engine.pid },
    { role: "proxy", pid: proxy.process.pid },
  ];
}
