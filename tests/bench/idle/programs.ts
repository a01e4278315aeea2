/**
 * Many programs behind a device in memory, each with a connection that has carried a request and its answer, and then says nothing. The
 * programs are forgotten: what stays is the other end.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "../../../src/stack/stack.ts";
import type { MemoryDevice } from "../../../src/tun/memory.ts";
import { getU16 } from "../../../src/bytes.ts";
import { FRAME_HEADER_LENGTH, MAX_FRAME_LENGTH } from "../../../src/wire/virtio.ts";
import { ClientHost } from "../../support/client_host.ts";

/** What a program asks, and is answered. */
const REQUEST = new Uint8Array(64);
/** Opened at once: fewer than the device's queue has places, and than a listener's backlog. */
const AT_ONCE = 50;
/** How long to wait before the programs look at their clocks. */
const TICK_MS = 200;
const FIRST_PORT = 1024;
const PORTS = 50_000;
const DESTINATION_PORT_AT = FRAME_HEADER_LENGTH + 20 + 2;

/** Opens `count` connections through the far end of a device, beginning with the number `first`, and lets all answers come. */
export async function openMany(
  far: MemoryDevice,
  first: number,
  count: number,
): Promise<void> {
  for (let i = 0; i < count; i += AT_ONCE) {
    await openSome(far, first + i, Math.min(AT_ONCE, count - i));
  }
}

async function openSome(
  far: MemoryDevice,
  first: number,
  count: number,
): Promise<void> {
  const clients = new Map<number, { host: ClientHost; left: number }>();
  for (let i = first; i < first + count; i++) {
    const host = newHost(i);
    clients.set(host.sourcePort, { host, left: REQUEST.length });
    send(far, host);
  }
  const frame = new Uint8Array(MAX_FRAME_LENGTH);
  for (let waiting = count; waiting > 0;) {
    const isOpen = await Promise.race([far.waitReadable(), sleep(TICK_MS, true)]);
    if (!isOpen) throw new Error("The device was closed too early");
    // What was lost in a full queue goes again.
    for (const { host } of clients.values()) {
      host.endpoint.handleTimeout(performance.now());
      send(far, host);
    }
    for (let length; (length = far.readFrame(frame)) > 0;) {
      const client = clients.get(getU16(frame, DESTINATION_PORT_AT));
      if (client === undefined) continue; // an acknowledgment for one that is forgotten
      client.left -= take(client.host, frame.subarray(0, length));
      send(far, client.host);
      if (client.left > 0) continue;
      clients.delete(client.host.sourcePort);
      waiting--;
    }
  }
}

/** Takes what came for a program, which asks once its connection stands. Returns how many bytes of the answer it was. */
function take(host: ClientHost, frame: Uint8Array): number {
  const wasOpen = host.endpoint.state === "ESTABLISHED";
  host.receive(frame, performance.now());
  if (!wasOpen) host.endpoint.write(REQUEST.slice());
  let length = 0;
  for (let found; (found = host.endpoint.read()) instanceof Uint8Array;) length += found.length;
  return length;
}

function send(far: MemoryDevice, host: ClientHost): void {
  for (const frame of host.poll(performance.now())) far.writeFrame(frame, frame.length);
}

/** Opens connection number `i` in a stack, without anything around it. */
export function openInCore(stack: Stack, i: number): void {
  const host = newHost(i);
  const frame = new Uint8Array(MAX_FRAME_LENGTH);
  let left = REQUEST.length;
  let id = 0;
  while (left > 0) {
    const now = performance.now();
    for (const sent of host.poll(now)) stack.handlePacket(sent, sent.length, now);
    for (let event; (event = stack.pollEvent()) !== undefined;) {
      if (event.type === "request") stack.accept(id = event.id);
    }
    for (let found; (found = stack.read(id)) instanceof Uint8Array;) stack.write(id, found);
    for (let length; (length = stack.pollPacket(frame, now)) > 0;) {
      left -= take(host, frame.subarray(0, length));
    }
  }
  const now = performance.now();
  for (const sent of host.poll(now)) stack.handlePacket(sent, sent.length, now);
  while (stack.pollPacket(frame, now) > 0);
}

function newHost(i: number): ClientHost {
  const sourcePort = FIRST_PORT + i % PORTS;
  return new ClientHost({ sourcePort }, performance.now());
}
