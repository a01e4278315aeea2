/**
 * Pumps one TCP flow and one tunnel into each other: half-close, abort and errors keep their meaning on the way; nothing else.
 *
 * | on one side | on the other |
 * | --- | --- |
 * | FIN, end of stream | FIN, end of stream, and the other direction goes on |
 * | RST, reset stream | RST, reset stream |
 * | no more reading | no more writing into it |
 *
 * @module
 */

import type { ByteEnd, ByteListener } from "./byte_end.ts";
import type { FlowEnd, TcpFlow } from "./flow/types.ts";
import type { OpenTunnel, TunnelEnd } from "./tunnel/tunnel.ts";

/** How both sides of a relay ended. */
export interface RelayEnd {
  /** The program's side. */
  readonly flow: FlowEnd;
  /** The proxy's side. */
  readonly tunnel: TunnelEnd;
}

/** Joins `flow` and `tunnel` until both have ended. Never rejects: an end is a fact. */
export function relay(flow: TcpFlow, tunnel: OpenTunnel): Promise<RelayEnd> {
  return new Promise((resolve) => startRelay(flow, tunnel, resolve));
}

/** The same without a promise, of which ten thousand idle flows would hold two each: `tell` is called once. */
export function startRelay(
  flow: TcpFlow,
  tunnel: OpenTunnel,
  tell: (end: RelayEnd) => void,
): void {
  if (flow.bytes === undefined || tunnel.bytes === undefined) {
    void relayStreams(flow, tunnel).then(tell);
  } else new Joint(flow.bytes, tunnel.bytes, tell).start();
}

/** For a flow or a tunnel of somebody else's making. */
async function relayStreams(flow: TcpFlow, tunnel: OpenTunnel): Promise<RelayEnd> {
  await Promise.allSettled([
    flow.readable.pipeTo(tunnel.writable),
    tunnel.readable.pipeTo(flow.writable),
  ]);
  const [flowEnd, tunnelEnd] = await Promise.all([flow.closed, tunnel.closed]);
  return { flow: flowEnd, tunnel: tunnelEnd };
}

/** Two ends in each other, without a promise for a chunk, and with hardly anything for a flow that is silent. */
class Joint {
  readonly #flow: ByteEnd<FlowEnd>;
  readonly #tunnel: ByteEnd<TunnelEnd>;
  readonly #tell: (end: RelayEnd) => void;

  constructor(
    flow: ByteEnd<FlowEnd>,
    tunnel: ByteEnd<TunnelEnd>,
    tell: (end: RelayEnd) => void,
  ) {
    this.#flow = flow;
    this.#tunnel = tunnel;
    this.#tell = tell;
  }

  start(): void {
    const outbound = new Direction(this.#flow, this.#tunnel, this);
    const inbound = new Direction(this.#tunnel, this.#flow, this);
    outbound.back = inbound;
    inbound.back = outbound;
    this.#flow.listen(outbound);
    this.#tunnel.listen(inbound);
    outbound.carry();
    inbound.carry();
  }

  /** One of the ends is over. */
  onClosed(): void {
    const [flow, tunnel] = [this.#flow.outcome, this.#tunnel.outcome];
    if (flow !== undefined && tunnel !== undefined) this.#tell({ flow, tunnel });
  }
}

/** What comes out of one end and goes into the other. It listens to the end that it reads. */
class Direction implements ByteListener {
  readonly #from: ByteEnd<unknown>;
  readonly #to: ByteEnd<unknown>;
  readonly #joint: Joint;
  /** The other direction. */
  back!: Direction;
  /** The end has been passed on, or there will be none. */
  #isOver = false;
  /** What was written has not left. */
  #isFull = false;

  constructor(from: ByteEnd<unknown>, to: ByteEnd<unknown>, joint: Joint) {
    this.#from = from;
    this.#to = to;
    this.#joint = joint;
  }

  /** Carries until there is nothing to read, or no room. */
  carry(): void {
    while (!this.#isOver && !this.#isFull) {
      const found = this.#from.read();
      if (found === "wait") return;
      if (found instanceof Uint8Array) {
        // Set first: the event may come before the call returns.
        this.#isFull = true;
        if (this.#to.write(found)) this.#isFull = false;
      } else {
        this.#isOver = true;
        if (found === "end") this.#to.end();
        else this.#to.break(this.#from.failure);
      }
    }
  }

  onReadable(): void {
    this.carry();
  }

  /** There is room where the other direction writes to. */
  onWritable(): void {
    this.back.goOn();
  }

  /** Carries on what had to wait. */
  goOn(): void {
    this.#isFull = false;
    this.carry();
  }

  /** Nobody writes into a broken end any more, and what it has cut short is so for the other end, too. */
  onBroken(): void {
    const { failure, isCut } = this.#from;
    if (!this.back.#isOver) {
      this.back.#isOver = true;
      this.#to.stopReading(failure);
    }
    if (!isCut) return this.carry();
    if (!this.#isOver) this.#to.break(failure);
    this.#isOver = true;
    this.#from.stopReading(failure);
  }

  onClosed(): void {
    this.#joint.onClosed();
  }
}
