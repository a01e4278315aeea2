import { assertEquals } from "@std/assert";
import { Stack } from "../../../src/stack/stack.ts";
import type { StackEvent } from "../../../src/stack/events.ts";
import { strayWays, takeStrays } from "../../../src/workers/stray_ways.ts";
import { cut, frameOf, HOSTS, icmpPacket, udpPacket } from "../../support/naive_ip.ts";

function stack(firstOf?: number): Stack {
  const secret = Uint8Array.from({ length: 16 }, (_, i) => i);
  return new Stack({ mtu: 1500, offload: false, secret, firstOf });
}

function send(stack: Stack, packet: Uint8Array): StackEvent[] {
  const frame = frameOf(packet);
  stack.handlePacket(frame, frame.length, 0);
  const events: StackEvent[] = [];
  for (let event; (event = stack.pollEvent()) !== undefined;) events.push(event);
  return events;
}

for (const family of [4, 6] as const) {
  Deno.test(`a packet in pieces is put together by the first stack and taken by its owner, over IPv${family}`, () => {
    const packet = udpPacket(family, 443, new Uint8Array(3000));
    const pieces = cut(packet, 1, 1200);
    // With so many stacks it hardly belongs to the first, and the arithmetic has no chance in it.
    const first = stack(64);
    const [event] = pieces.flatMap((piece) => send(first, piece));
    if (event?.type !== "stray" || event.owner === undefined) throw new Error("not handed on");
    assertEquals(first.associations.size, 0);
    const owner = stack();
    owner.handlePacket(event.frame, event.frame.length, 0);
    const request = owner.pollEvent();
    if (request?.type !== "request") throw new Error("not taken");
    assertEquals(request.destination.port, 443);
    const alone = stack();
    assertEquals(pieces.flatMap((piece) => send(alone, piece)).map(({ type }) => type), [
      "request",
    ]);
  });

  Deno.test(`that a packet was too big is told to all stacks, over IPv${family}`, () => {
    const { program, far } = HOSTS[family];
    assertEquals(program.length, far.length);
    const [type, code] = family === 4 ? [3, 4] : [2, 0];
    const message = icmpPacket(family, type, code, 1300, new Uint8Array(60));
    assertEquals(send(stack(2), message).map((event) => event.type), ["stray"]);
    assertEquals(send(stack(), message), []);
  });
}

Deno.test("strays go to their owner, and those for all to all others", async () => {
  const channels = [new MessageChannel(), new MessageChannel()];
  const { firstOf, onStray } = strayWays(channels.map(({ port1 }) => port1));
  assertEquals(firstOf, 3);
  const taken: string[] = [];
  const all = Promise.withResolvers<void>();
  channels.forEach(({ port2 }, i) =>
    takeStrays(port2, (frame) => {
      taken.push(`${i + 1}: ${frame}`);
      if (taken.length === 3) all.resolve();
    })
  );
  onStray(2, Uint8Array.of(1));
  onStray(undefined, Uint8Array.of(2));
  await all.promise;
  assertEquals(taken.sort(), ["1: 2", "2: 1", "2: 2"]);
  for (const { port1, port2 } of channels) [port1, port2].forEach((port) => port.close());
});

Deno.test("a worker that takes nothing is sent no more than a device would keep", async () => {
  const { port1, port2 } = new MessageChannel();
  const { onStray } = strayWays([port1]);
  for (let i = 0; i < 1000; i++) onStray(1, new Uint8Array(1));
  onStray(1, Uint8Array.of(9));
  let taken = 0;
  const enough = Promise.withResolvers<void>();
  takeStrays(port2, () => ++taken === 512 && enough.resolve());
  await enough.promise;
  await new Promise((resolve) => setTimeout(resolve, 0)); // whatever else there were would come in this turn
  assertEquals(taken, 512);
  port1.close();
  port2.close();
});
