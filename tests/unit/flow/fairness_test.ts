import { assert, assertEquals } from "@std/assert";
import { setImmediate } from "node:timers";
import { memoryDevice, PseudoTcp, type TcpFlow } from "../../../mod.ts";
import { Stack } from "../../../src/stack/stack.ts";
import { MAX_FRAME_LENGTH } from "../../../src/wire/virtio.ts";
import { ClientHost } from "../../support/client_host.ts";

const LARGE = new Uint8Array(400_000);
const SMALL = new Uint8Array(100);
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A stack with `count` open connections, and a way to let everything arrive. */
function openMany(count: number) {
  const secret = new Uint8Array(16).fill(3);
  const stack = new Stack({ mtu: 1500, offload: true, secret });
  const clients = Array.from({ length: count }, (_, i) => new ClientHost({ sourcePort: 1000 + i }));
  const frame = new Uint8Array(MAX_FRAME_LENGTH);
  const poll = () => {
    const length = stack.pollPacket(frame, 0);
    return length === 0 ? undefined : frame.slice(0, length);
  };
  const ids = clients.map((client) => {
    const send = () => client.poll(0).forEach((it) => stack.handlePacket(it, it.length, 0));
    send();
    const event = stack.pollEvent();
    assert(event?.type === "request");
    stack.accept(event.id);
    for (let answer; (answer = poll()) !== undefined;) client.receive(answer, 0);
    send();
    while (stack.pollEvent() !== undefined);
    while (poll() !== undefined);
    return event.id;
  });
  return { stack, ids, poll };
}

/** The program's port that a frame goes to. */
const portOf = (frame: Uint8Array) => (frame[32] << 8) | frame[33];

Deno.test("a flow with a little to send waits for one packet of each other flow, not for all they have", () => {
  const { stack, ids, poll } = openMany(20);
  for (const id of ids.slice(1)) stack.write(id, LARGE.slice());
  poll(); // the greedy ones have begun
  stack.write(ids[0], SMALL.slice());
  let before = 0;
  for (let frame; (frame = poll()) !== undefined; before++) if (portOf(frame) === 1000) break;
  assert(before <= ids.length, `${before} packets of others went first`);
});

Deno.test("flows with much to send get equal numbers of packets", () => {
  const { stack, ids, poll } = openMany(5);
  for (const id of ids) stack.write(id, LARGE.slice());
  const counts = new Map<number, number>();
  for (let frame; (frame = poll()) !== undefined;) {
    const port = portOf(frame);
    counts.set(port, (counts.get(port) ?? 0) + 1);
  }
  assertEquals(new Set(counts.values()).size, 1, [...counts].join(" "));
  assertEquals(counts.size, ids.length);
});

Deno.test("a device that never runs dry leaves the event loop its turns", async () => {
  const { device } = memoryDevice();
  let read = 0;
  let isOn = true;
  device.readFrame = () => isOn ? (read++, 1) : 0; // a frame without a packet: dropped
  const stack = new PseudoTcp();
  const attached = stack.attach(device);
  for (let i = 0; i < 50; i++) {
    const before = read;
    await turn();
    assert(read - before <= 64, `${read - before} frames in one turn`);
  }
  assert(read >= 32 * 20, `${read} frames in 50 turns`);
  isOn = false;
  await stack.close();
  await device.close();
  await attached;
});

Deno.test("what many flows write at once leaves in turns, and all of it", async () => {
  const COUNT = 200;
  const { device, far } = memoryDevice({ queueFrames: 4096 });
  await using stack = new PseudoTcp();
  const attached = stack.attach(device);
  const clients = Array.from({ length: COUNT }, (_, i) => new ClientHost({ sourcePort: 1000 + i }));
  const frame = new Uint8Array(MAX_FRAME_LENGTH);
  let written = 0;
  const { writeFrame } = device;
  device.writeFrame = (...args) => (written++, writeFrame.apply(device, args));
  const exchange = () => {
    for (let length; (length = far.readFrame(frame)) > 0;) {
      const client = clients[portOf(frame) - 1000];
      client.receive(frame.slice(0, length), performance.now());
      while (client.endpoint.read() instanceof Uint8Array);
    }
    for (const client of clients) {
      for (const it of client.poll(performance.now())) far.writeFrame(it, it.length);
    }
  };
  const flows: TcpFlow[] = [];
  exchange();
  for await (const request of stack.flows) {
    if (request.protocol === "tcp") flows.push(request.accept());
    if (flows.length === COUNT) break;
  }
  const isOpen = () => clients.every(({ endpoint }) => endpoint.state === "ESTABLISHED");
  while (!isOpen()) {
    await turn();
    exchange();
  }
  for (let quiet = 0; quiet < 3; quiet++) await turn();
  written = 0;
  const writes = flows.map((flow) => flow.writable.getWriter().write(SMALL.slice()));
  let most = 0;
  let total = 0;
  while (total < COUNT) {
    await turn();
    most = Math.max(most, written);
    total += written;
    written = 0;
  }
  assert(most <= 128, `${most} frames in one turn`);
  exchange();
  await Promise.all(writes);
  await stack.close();
  await device.close();
  await attached;
});
