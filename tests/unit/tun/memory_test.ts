import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { memoryDevice } from "../../../src/tun/memory.ts";
import { FRAME_HEADER_LENGTH, MAX_FRAME_LENGTH } from "../../../src/wire/virtio.ts";

/** A frame without work left to do, whose packet is these bytes. */
function frameOf(...packet: number[]): Uint8Array {
  return Uint8Array.of(...new Uint8Array(FRAME_HEADER_LENGTH), ...packet);
}

const into = new Uint8Array(MAX_FRAME_LENGTH);

Deno.test("frames come out of the other end in order, as copies", () => {
  const { device, far } = memoryDevice();
  const frame = frameOf(1);
  far.writeFrame(frame, frame.length);
  frame[FRAME_HEADER_LENGTH] = 2;
  far.writeFrame(frame, frame.length);
  assertEquals(device.readFrame(into), frame.length);
  assertEquals(into[FRAME_HEADER_LENGTH], 1);
  assertEquals(device.readFrame(into), frame.length);
  assertEquals(into[FRAME_HEADER_LENGTH], 2);
  assertEquals(device.readFrame(into), 0);
  assertEquals(far.readFrame(into), 0, "nothing comes back");
});

Deno.test("a full queue loses the frame and counts it", () => {
  const { device, far } = memoryDevice({ queueFrames: 2 });
  const frame = frameOf(1);
  assertEquals([1, 2, 3].map(() => device.writeFrame(frame, frame.length)), [true, true, false]);
  assertEquals([device.dropped, far.dropped], [1, 0]);
  far.readFrame(into);
  assertEquals(device.writeFrame(frame, frame.length), true);
});

Deno.test("waitReadable settles when a frame comes, at once when one waits, and with false at the end", async () => {
  const { device, far } = memoryDevice();
  const waiting = device.waitReadable();
  far.writeFrame(frameOf(1), FRAME_HEADER_LENGTH + 1);
  assertEquals(await waiting, true);
  assertEquals(await device.waitReadable(), true);
  device.readFrame(into);
  const last = device.waitReadable();
  await far.close();
  await far.close();
  assertEquals(await last, false);
  assertEquals(device.writeFrame(frameOf(1), FRAME_HEADER_LENGTH + 1), false);
});

Deno.test("what waits can be read after the end", async () => {
  const { device, far } = memoryDevice();
  far.writeFrame(frameOf(1), FRAME_HEADER_LENGTH + 1);
  await far.close();
  assertEquals(await device.waitReadable(), true);
  assertEquals(device.readFrame(into), FRAME_HEADER_LENGTH + 1);
  assertEquals(await device.waitReadable(), false);
});

Deno.test("streams carry packets both ways and end with the device", async () => {
  const { device, far } = memoryDevice();
  const echo = device.readable.pipeTo(device.writable);
  const writer = far.writable.getWriter();
  const reader = far.readable.getReader();
  for (let i = 1; i <= 3; i++) {
    await writer.write(Uint8Array.of(i));
    assertEquals((await reader.read()).value, Uint8Array.of(i));
  }
  await device.close();
  assertEquals((await reader.read()).done, true);
  await echo;
});

Deno.test("a chunk that is no packet errors the stream with a reason", async () => {
  const { far } = memoryDevice();
  const text = "packet" as unknown as Uint8Array;
  await assertRejects(() => far.writable.getWriter().write(text), TypeError, '"string"');
  const empty = memoryDevice().far.writable.getWriter();
  await assertRejects(() => empty.write(new Uint8Array(65_536)), RangeError, '"65536"');
});

Deno.test("a queue without room makes no sense", () => {
  assertThrows(() => memoryDevice({ queueFrames: 0 }), RangeError, '"0"');
});
