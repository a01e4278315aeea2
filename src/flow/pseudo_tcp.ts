/**
 * The stack as the outside world meets it: packets in, packets out, flows.
 *
 * @module
 */

import { FRAME_HEADER_LENGTH, MAX_FRAME_LENGTH } from "../wire/virtio.ts";
import type { Limits } from "../stack/limits.ts";
import type { DatagramEvent, RequestEvent } from "../stack/events.ts";
import type { TcpSettings } from "../tcp/settings.ts";
import type { Device } from "../tun/device.ts";
import { type Clock, systemClock } from "./clock.ts";
import { Driver } from "./driver.ts";
import { deviceOutput, pump } from "./pump.ts";
import { RequestQueue, tcpRequest, udpRequest } from "./request.ts";
import type { FlowRequest, SocketAddress, UdpFlowRequest } from "./types.ts";

/** What the first of several stacks gets that belongs to others: fragments and ICMP errors, which nobody outside can judge. */
export interface Strays {
  /** How many stacks share the device. */
  readonly firstOf: number;
  /** Takes a frame for the `take` of the stack `owner`, counted from 0; of all others where that is undefined. */
  readonly onStray: (owner: number | undefined, frame: Uint8Array<ArrayBuffer>) => void;
}

/** What a {@linkcode PseudoTcp} may be told. */
export interface PseudoTcpOptions {
  /** The largest packet towards the program, in bytes: 1280 to 65535, by default 1500. */
  readonly mtu?: number;
  /** Addresses of the device itself: they answer an echo request. */
  readonly addresses?: readonly string[];
  /** Other bounds than the usual ones. */
  readonly limits?: Partial<Limits>;
  /** What is chosen of TCP: the congestion control, the user timeout, keep-alive. */
  readonly tcp?: TcpSettings;
  /** Whether frames may leave checksums and segmentation to the device; for `attach`, and false by default. */
  readonly offload?: boolean;
  /** Whether they may leave the cutting of many UDP datagrams to it, too: what `Device.udpOffload` says. False by default. */
  readonly udpOffload?: boolean;
  /** UDP ports whose datagrams go to `onDatagram`; those to others make associations. */
  readonly datagramPorts?: readonly number[];
  /** Takes a datagram to one of those ports. `reply` sends one back, from its destination to its source. */
  readonly onDatagram?: (
    payload: Uint8Array<ArrayBuffer>,
    reply: (payload: Uint8Array) => void,
    source: SocketAddress,
    destination: SocketAddress,
  ) => void;
  /** For the first of several stacks that share a device. */
  readonly strays?: Strays;
  /** The clock; tests hand in a virtual one. */
  readonly clock?: Clock;
}

/** What a stack can tell of itself. */
export interface PseudoTcpStats {
  /** TCP flows that hold a place, those in TIME-WAIT included. */
  readonly flows: number;
  /** UDP associations, those that wait for an answer included. */
  readonly associations: number;
  /** Dropped packets by reason. */
  readonly drops: ReadonlyMap<string, number>;
}

/**
 * A userspace network stack that terminates every TCP connection and UDP association in the packets it is given, and hands each
 * out as a {@linkcode FlowRequest}.
 *
 * It is a pair of packet streams, one IP packet a chunk, so a device is joined to it with
 * `device.readable.pipeThrough(stack).pipeTo(device.writable)`; `attach` does the same in batches.
 *
 * @example A stack that answers nothing yet
 * ```ts
 * import { PseudoTcp } from "../../mod.ts";
 *
 * await using stack = new PseudoTcp({ mtu: 1500 });
 * if (stack.stats.flows !== 0) throw new Error("a new stack has no flows");
 * ```
 */
export class PseudoTcp implements AsyncDisposable {
  readonly #options: PseudoTcpOptions;
  readonly #driver: Driver;
  readonly #requests = new RequestQueue();
  readonly #closing = new AbortController();
  #wakeReadable: (() => void) | undefined;
  #usesStreams = false;

  /** Packets to the program, one a chunk, ready for a wire. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Packets from the program, one a chunk. A bad packet is counted in `stats.drops` and never an error. */
  readonly writable: WritableStream<Uint8Array>;

  /** A stack without flows. */
  constructor(options: PseudoTcpOptions = {}) {
    this.#options = options;
    const { mtu = 1500, offload = false, clock = systemClock() } = options;
    const secret = crypto.getRandomValues(new Uint8Array(16));
    const firstOf = options.strays?.firstOf;
    this.#driver = new Driver({ ...options, mtu, offload, secret, firstOf }, clock, {
      onRequest: (event) => this.#request(event),
      onDatagram: (event) => this.#datagram(event),
      onStray: ({ owner, frame }) => options.strays?.onStray(owner, frame),
    });
    this.readable = this.#newReadable();
    this.writable = this.#newWritable();
  }

  /** SYNs and first datagrams that wait for an answer. For one reader; `for await` reads it. */
  get flows(): ReadableStream<FlowRequest> {
    return this.#requests.readable;
  }

  /** What happened so far. */
  get stats(): PseudoTcpStats {
    const { flowCount, associations, drops } = this.#driver.stack;
    return { flows: flowCount, associations: associations.size, drops: new Map(drops) };
  }

  /**
   * Joins the stack to a device in batches of frames, with all the offload that the device has when the stack was made
   * with `offload`. Settles when the device is closed or the stack is.
   */
  async attach(device: Device): Promise<void> {
    const { offload, udpOffload } = this.#options;
    if ((offload && !device.offload && !device.cuts) || (udpOffload && !device.udpOffload)) {
      throw new TypeError(
        `Cannot attach "${device.name}": the stack offloads and the device does not`,
      );
    }
    this.#driver.output = deviceOutput(device);
    await pump(device, this.#driver, this.#closing.signal);
  }

  /** Takes a frame that another stack of the same device had for this one. */
  take(frame: Uint8Array): void {
    if (this.#closing.signal.aborted) return;
    const now = this.#driver.now();
    this.#driver.stack.handlePacket(frame, frame.length, now);
    this.#driver.flush(now);
  }

  /**
   * Ends the association that has been silent longest, to make room for the one that `request` asks for: not here, but in a proxy
   * that has reached its limit, say. Gives the id of its flow, undefined when there is no other.
   */
  displaceFor(request: UdpFlowRequest): number | undefined {
    const displaced = this.#driver.stack.associations.displace(request.id);
    this.#driver.schedule();
    return displaced;
  }

  /** Resets every flow, refuses every request, and ends the streams. Closing twice does nothing. */
  close(): Promise<void> {
    this.#requests.close();
    this.#driver.close();
    this.#closing.abort();
    this.#wakeReadable?.();
    return Promise.resolve();
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #request(event: RequestEvent): void {
    const newRequest = event.protocol === "tcp" ? tcpRequest : udpRequest;
    this.#requests.push(
      newRequest(this.#driver, event, (request) => this.#requests.delete(request)),
    );
  }

  #datagram({ source, destination, payload }: DatagramEvent): void {
    const reply = (answer: Uint8Array) => this.#driver.sendDatagram(destination, source, answer);
    this.#options.onDatagram?.(payload, reply, source, destination);
  }

  #newReadable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const frame = new Uint8Array(MAX_FRAME_LENGTH);
    // A packet is made when somebody asks for it, so that what is not read costs nothing.
    const output = () => {
      this.#wakeReadable?.();
      return false;
    };
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>) => {
      if (!this.#usesStreams) this.#driver.output = output;
      this.#usesStreams = true;
      for (;;) {
        const length = this.#driver.stack.pollPacket(frame, this.#driver.now());
        if (length > 0) return controller.enqueue(frame.slice(FRAME_HEADER_LENGTH, length));
        this.#driver.arm();
        if (this.#closing.signal.aborted) return controller.close();
        await new Promise<void>((resolve) => this.#wakeReadable = resolve);
        this.#wakeReadable = undefined;
      }
    };
    return new ReadableStream({ pull }, { highWaterMark: 0 });
  }

  #newWritable(): WritableStream<Uint8Array> {
    const frame = new Uint8Array(MAX_FRAME_LENGTH);
    return new WritableStream({
      write: (packet) => {
        if (!(packet instanceof Uint8Array)) {
          throw new TypeError(
            `Cannot take a packet of type "${typeof packet}": it must be a Uint8Array`,
          );
        }
        const room = frame.length - FRAME_HEADER_LENGTH;
        frame.set(packet.length > room ? packet.subarray(0, room) : packet, FRAME_HEADER_LENGTH);
        const now = this.#driver.now();
        const length = Math.min(FRAME_HEADER_LENGTH + packet.length, frame.length);
        this.#driver.stack.handlePacket(frame, length, now);
        this.#driver.flush(now);
      },
    });
  }
}
