/**
 * One seed makes one scenario: who talks to whom, how much, over what kind of link. Run it, and everything is checked.
 *
 * @module
 */

import { parseIp } from "../../src/wire/address.ts";
import { describePacket } from "../../src/wire/describe.ts";
import { type Dice, seededDice, seededRandom } from "../unit/random.ts";
import { App, type AppOptions } from "./app.ts";
import { EndpointHost, StackHost } from "./hosts.ts";
import {
  burstLoss,
  corrupt,
  cut,
  delay,
  duplicate,
  loss,
  mtu as narrow,
  type Node,
  rate,
  reorder,
} from "./link.ts";
import { NaivePeer } from "./naive_peer.ts";
import { Watch } from "./watch.ts";
import { type Host, type Observer, World } from "./world.ts";

/** Who opens the connection: our own endpoint, the naive peer, or the naive peer with SACK and more. */
export type PeerKind = "endpoint" | "naive" | "naive-sack";

/** What a scenario came to. */
export interface Result {
  /** Virtual milliseconds until both applications were done. */
  readonly tookMs: number;
  /** Packets sent by the peer and by the stack. */
  readonly packets: readonly [number, number];
}

/** Longer than any scenario takes. */
const LIMIT_MS = 3_600_000;
/** After the end nothing may be left after this time: a minute of TIME-WAIT, and two of retransmissions. */
const AFTERMATH_MS = 240_000;

/** Runs the scenario of a seed; throws when anything is wrong. `print` gets a line for each packet. */
export function runScenario(seed: number, kind: PeerKind, print?: (line: string) => void): Result {
  const dice = seededDice(seed);
  const random = seededRandom(seed ^ 0x5eed);
  const family = dice.pick([4, 6] as const);
  const mtu = dice.pick([1280, 1500, 1500, 9000]);
  const apps = makeApps(dice, kind, random);
  const offload = dice.int(3) === 0;
  const stack = new StackHost(
    {
      mtu,
      offload,
      secret: dice.bytes(16),
      limits: {
        receiveBufferBytes: dice.pick([1000, 5000, 70_000, 1 << 20]),
        sendBufferBytes: dice.pick([1000, 20_000, 1 << 20]),
      },
    },
    apps[1],
    dice.pick([0, 0, 30, 2500]),
  );
  const peer = makePeer(kind, family, mtu, dice, apps[0]);
  const narrows = makeNarrow(dice, family);
  const links = [makeLink(dice), [...offload ? [cut()] : [], ...makeLink(dice, narrows)]] as const;
  const observers: Observer[] = [new Watch(mtu)];
  if (print) observers.unshift(printer(print));
  const world = new World(seed, [peer, stack], links, observers);
  world.run(LIMIT_MS, () => apps.every((app) => app.isDone));
  const stuck = apps.filter((app) => !app.isDone);
  if (stuck.length > 0) {
    throw new Error(`Not done after an hour: ${stuck.map((app) => app.describe()).join("; ")}`);
  }
  const tookMs = world.now;
  world.run(tookMs + AFTERMATH_MS);
  checkNothingIsLeft(stack, peer);
  return { tookMs, packets: [...world.sent] };
}

function checkNothingIsLeft(stack: StackHost, peer: Host): void {
  const left = [stack.stack.flowCount, stack.stack.nextTimeout()].join(", ");
  if (left !== "0, Infinity") throw new Error(`Flows and deadline left in the stack: ${left}`);
  if (peer.nextTimeout() !== Infinity) throw new Error("A deadline is left at the peer");
  if (!(peer instanceof EndpointHost)) return;
  const { state, queuedBytes } = peer.client.endpoint;
  if (state !== "CLOSED") throw new Error(`The peer is left in ${state}`);
  if (queuedBytes !== 0) throw new Error(`Bytes left at the peer: ${queuedBytes}`);
}

function makeApps(dice: Dice, kind: PeerKind, random: () => number): [App, App] {
  // The naive peer has no congestion control and a single timer: less will do to try it.
  const most = kind === "endpoint" ? 150_000 : 40_000;
  const sizes = [dice.pick([0, 1, 5000, most]), dice.pick([0, 1, 5000, most])];
  const bytes = sizes.map((size) => dice.int(size + 1));
  const answering = dice.pick([-1, -1, 0, 1]);
  const make = (side: number) => {
    const options: AppOptions = {
      side,
      sendBytes: bytes[side],
      expectBytes: bytes[1 - side],
      maxWriteBytes: dice.pick([100, 1460, 5000, 70_000]),
      readPauseMs: dice.pick([0, 0, 0, 3, 300]),
      writePauseMs: dice.pick([0, 0, 0, 2, 50]),
      answers: side === answering,
    };
    return new App(options, random);
  };
  return [make(0), make(1)];
}

function makePeer(kind: PeerKind, family: 4 | 6, mtu: number, dice: Dice, app: App): Host {
  const [source, destination] = family === 4
    ? ["198.18.0.1", "203.0.113.5"]
    : ["fd00::1", "2001:db8::5"];
  const iss = dice.pick([dice.int(2 ** 32), 0xfffffff0, 0xffff8000, 0x7ffffff0]);
  const bufferBytes = dice.pick([300, 3000, 60_000, 1 << 20]);
  if (kind === "endpoint") {
    const options = { source, destination, iss, mtu, receiveBufferBytes: bufferBytes };
    return new EndpointHost(options, app);
  }
  const isRich = kind === "naive-sack";
  return new NaivePeer({
    source: parseIp(source)!,
    destination: parseIp(destination)!,
    iss,
    // A SACK segment of the naive peer may carry 40 bytes of options beside a full payload.
    mss: dice.pick([200, 536, mtu - 100]),
    bufferBytes: Math.min(bufferBytes, 65_535),
    sack: isRich,
    timestamps: isRich && dice.int(2) === 0,
    scale: isRich ? dice.pick([undefined, 0, 3]) : undefined,
  }, app);
}

/** Somewhere on the way packets of the device's length may not pass.. */
function makeNarrow(dice: Dice, family: 4 | 6): Node[] {
  if (dice.int(4) > 0) return [];
  const bytes = family === 4 ? dice.pick([600, 1000, 1280]) : 1280;
  return [narrow(bytes, dice.int(3) === 0)];
}

function makeLink(dice: Dice, narrows: readonly Node[] = []): Node[] {
  const nodes: Node[] = [];
  if (dice.int(4) === 0) {
    nodes.push(rate(dice.pick([1e6, 10e6, 100e6]), dice.pick([20_000, 60_000])));
  }
  nodes.push(delay(dice.pick([0, 1, 20, 150])), ...narrows);
  if (dice.int(3) === 0) nodes.push(reorder(dice.pick([0.02, 0.2]), dice.pick([2, 30])));
  if (dice.int(4) === 0) nodes.push(duplicate(dice.pick([0.02, 0.2])));
  if (dice.int(4) === 0) nodes.push(corrupt(0.02));
  const lossKind = dice.int(4);
  if (lossKind === 0) nodes.push(loss(dice.pick([0.01, 0.05, 0.1])));
  if (lossKind === 1) nodes.push(burstLoss(0.02, 0.3));
  return nodes;
}

function printer(print: (line: string) => void): Observer {
  const line = (what: string, frame: Uint8Array, now: number) =>
    print(`${now.toFixed(1).padStart(10)}  ${what}  ${describePacket(frame.subarray(10))}`);
  const names = ["peer ", "stack"];
  return {
    onSent: (host, frame, now) => line(`${names[host]} sends`, frame, now),
    onTaken: (host, frame, now) => line(`${names[host]} gets `, frame, now),
  };
}
