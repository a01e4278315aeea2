import { assertEquals } from "@std/assert";
import { setImmediate } from "node:timers";
import { type Clock, memoryDevice, PseudoTcp } from "../../../mod.ts";
import { MAX_FRAME_LENGTH } from "../../../src/wire/virtio.ts";
import { ClientHost } from "../../support/client_host.ts";

/** A clock that only the test moves. */
class HandClock implements Clock {
  time = 0;
  #wake: (() => void) | undefined;

  now(): number {
    return this.time;
  }

  arm(_deadline: number, wake: () => void): void {
    this.#wake = wake;
  }

  /** The timer fires, late as it may be. */
  fire(): void {
    this.#wake?.();
  }
}

/** A program that has sent its SYN, and got a SYN-ACK that it has not answered. */
async function openHalf() {
  const { device, far } = memoryDevice({ offload: false });
  const flood = { isOn: false };
  const { readFrame } = device;
  device.readFrame = (into) => flood.isOn ? 1 : readFrame.call(device, into);
  const clock = new HandClock();
  const stack = new PseudoTcp({ clock });
  const attached = stack.attach(device);
  const client = new ClientHost();
  const say = () => client.poll(clock.time).forEach((frame) => far.writeFrame(frame, frame.length));
  const frame = new Uint8Array(MAX_FRAME_LENGTH);
  /** Takes what the stack has sent; returns how many packets. */
  const hear = () => {
    let count = 0;
    for (let length; (length = far.readFrame(frame)) > 0; count++) {
      client.take(frame.slice(0, length), clock.time);
    }
    return count;
  };
  const close = async () => {
    flood.isOn = false;
    await stack.close();
    await device.close();
    await attached;
  };
  say();
  const requests = stack.flows.getReader();
  (await requests.read()).value!.accept();
  requests.releaseLock();
  await turn();
  assertEquals(hear(), 1, "the SYN-ACK");
  return { clock, say, hear, flood, [Symbol.asyncDispose]: close };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

Deno.test("a timer that fires late finds the acknowledgment that waits in the device, and nothing goes again", async () => {
  await using half = await openHalf();
  half.clock.time = 5000; // the program was held up for long
  half.say();
  half.clock.fire();
  await turn();
  assertEquals(half.hear(), 0);
});

Deno.test("a timer that finds nothing in the device does what it was set for", async () => {
  await using half = await openHalf();
  half.clock.time = 5000;
  half.clock.fire();
  assertEquals(half.hear(), 1, "the SYN-ACK goes again");
});

Deno.test("packets without end do not hold a timer up for ever", async () => {
  await using half = await openHalf();
  half.clock.time = 5000;
  half.flood.isOn = true;
  half.clock.fire();
  assertEquals(half.hear(), 0, "packets go first");
  for (let late = 0; late < 20; late++) half.clock.fire();
  assertEquals(half.hear(), 1, "the SYN-ACK goes again");
});
