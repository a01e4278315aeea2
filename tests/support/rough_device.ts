/**
 * A device with a bad link behind it: frames get lost, overtake each other, and take their time, in both directions.
 *
 * @module
 */

import type { Device } from "../../src/tun/device.ts";
import { MAX_FRAME_LENGTH } from "../../src/wire/virtio.ts";
import { seededRandom } from "../unit/random.ts";

/** How bad the link is. */
export interface Roughness {
  readonly seed: number;
  /** The share of frames that are lost, each way. */
  readonly loss?: number;
  /** The share of frames that one to three of the next ones overtake, each way. */
  readonly late?: number;
  /** Milliseconds that every frame takes, each way. */
  readonly delayMs?: number;
}

/** The device, which owns `device`. Only its frames are rough: it has no streams. */
export function roughDevice(device: Device, roughness: Roughness): Device {
  const random = seededRandom(roughness.seed);
  const outbound = new Way(roughness, random, (frame) => ready.push(frame));
  const inbound = new Way(
    roughness,
    random,
    (frame) => void device.writeFrame(frame, frame.length),
  );
  const ready: Uint8Array[] = [];
  const buffer = new Uint8Array(MAX_FRAME_LENGTH);
  const drain = () => {
    for (let length; (length = device.readFrame(buffer)) > 0;) {
      outbound.take(buffer.slice(0, length));
    }
  };
  const { name, mtu, offload, udpOffload } = device;
  return {
    name,
    mtu,
    offload,
    udpOffload,
    readFrame(into) {
      drain();
      const frame = ready.shift();
      if (frame !== undefined) into.set(frame);
      return frame?.length ?? 0;
    },
    writeFrame(frame, length) {
      inbound.take(frame.slice(0, length));
      return true;
    },
    async waitReadable() {
      while (ready.length === 0) {
        const isOpen = await Promise.race([device.waitReadable(), outbound.delivered()]);
        if (isOpen === false) return false;
        drain();
      }
      return true;
    },
    get readable(): never {
      throw new Error("A rough device has no streams");
    },
    get writable(): never {
      throw new Error("A rough device has no streams");
    },
    async close() {
      outbound.close();
      inbound.close();
      await device.close();
    },
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}

/** One direction. Frames that leave in one turn of the event loop arrive in one. */
class Way {
  readonly #roughness: Roughness;
  readonly #random: () => number;
  readonly #deliver: (frame: Uint8Array) => void;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #batch: Uint8Array[] | undefined;
  /** Frames that let others pass, and how many still. */
  #late: { frame: Uint8Array; others: number }[] = [];
  #delivered = Promise.withResolvers<true>();

  constructor(roughness: Roughness, random: () => number, deliver: (frame: Uint8Array) => void) {
    this.#roughness = roughness;
    this.#random = random;
    this.#deliver = deliver;
  }

  take(frame: Uint8Array): void {
    const { loss = 0, late = 0 } = this.#roughness;
    if (this.#random() < loss) return;
    if (this.#random() < late) {
      this.#late.push({ frame, others: 1 + Math.floor(3 * this.#random()) });
      return;
    }
    this.#send(frame);
    const due = this.#late.filter((each) => --each.others === 0);
    this.#late = this.#late.filter((each) => each.others > 0);
    for (const each of due) this.#send(each.frame);
  }

  #send(frame: Uint8Array): void {
    const { delayMs = 0 } = this.#roughness;
    if (delayMs === 0) return this.#deliver(frame);
    if (this.#batch !== undefined) return void this.#batch.push(frame);
    const batch = this.#batch = [frame];
    queueMicrotask(() => this.#batch = undefined);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      for (const each of batch) this.#deliver(each);
      this.#delivered.resolve(true);
      this.#delivered = Promise.withResolvers();
    }, delayMs);
    this.#timers.add(timer);
  }

  /** Settles when frames were delivered after their delay. */
  delivered(): Promise<true> {
    return this.#delivered.promise;
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
