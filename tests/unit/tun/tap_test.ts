import { assertEquals, assertRejects } from "@std/assert";
import { capture } from "../../../src/tun/capture.ts";
import { memoryDevice } from "../../../src/tun/memory.ts";
import { tap } from "../../../src/tun/tap.ts";
import { FRAME_HEADER_LENGTH, MAX_FRAME_LENGTH } from "../../../src/wire/virtio.ts";

const into = new Uint8Array(MAX_FRAME_LENGTH);

function frameOf(...packet: number[]): Uint8Array {
  return Uint8Array.of(...new Uint8Array(FRAME_HEADER_LENGTH), ...packet);
}

Deno.test("a tap shows packets of both directions, and only those that passed", () => {
  const { device, far } = memoryDevice({ queueFrames: 1 });
  const seen: unknown[] = [];
  const tapped = tap(device, (direction, packet) => seen.push(direction, [...packet]));
  assertEquals(tapped.readFrame(into), 0);
  far.writeFrame(frameOf(1, 2), 12);
  assertEquals(tapped.readFrame(into), 12);
  assertEquals(tapped.writeFrame(frameOf(3), 11), true);
  assertEquals(tapped.writeFrame(frameOf(4), 11), false);
  assertEquals(seen, ["outbound", [1, 2], "inbound", [3]]);
});

Deno.test("a tap's streams pass by the listener, and it closes the device", async () => {
  const { device, far } = memoryDevice();
  let count = 0;
  const tapped = tap(device, () => count++);
  await far.writable.getWriter().write(Uint8Array.of(1));
  await tapped.readable.getReader().read();
  await tapped.writable.getWriter().write(Uint8Array.of(2));
  assertEquals(count, 2);
  await tapped[Symbol.asyncDispose]();
  assertEquals(await device.waitReadable(), false);
  assertEquals(await tapped.waitReadable(), false);
});

/** A sink that keeps the length of each block. */
function lengths(blocks: number[], ready?: Promise<void>) {
  return new WritableStream<Uint8Array>({
    async write(block) {
      await ready;
      blocks.push(block.length);
    },
  });
}

Deno.test("a slow sink loses packets of the capture, not of the network", async () => {
  const { device, far } = memoryDevice();
  const { promise, resolve } = Promise.withResolvers<void>();
  const blocks: number[] = [];
  const captured = capture(device, lengths(blocks, promise), { maxPendingBytes: 250 });
  for (let i = 0; i < 9; i++) assertEquals(captured.writeFrame(frameOf(i), 11), true);
  for (let i = 0; i < 9; i++) assertEquals(far.readFrame(into), 11);
  resolve();
  await captured.close();
  await captured.close();
  const [section, link, ...packets] = blocks;
  assertEquals([section % 4, link % 4], [0, 0]);
  assertEquals(packets.length < 9 && packets.length > 0, true, `${packets.length} packets`);
});

Deno.test("a sink that fails is said at the end, and the network goes on", async () => {
  const { device, far } = memoryDevice();
  const full = new WritableStream<Uint8Array>({
    write() {
      throw new Error("No space left on device");
    },
  });
  const captured = capture(device, full);
  assertEquals(captured.writeFrame(frameOf(1), 11), true);
  await Promise.resolve();
  assertEquals(captured.writeFrame(frameOf(1), 11), true);
  assertEquals(far.readFrame(into), 11);
  await assertRejects(() => captured.close(), Error, "No space left");
  assertEquals(await device.waitReadable(), false);
});
