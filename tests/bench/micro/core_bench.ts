/**
 * Micro-benchmarks of the core: `deno bench tests/bench/micro`. Ratios between them are what `tests/unit/stack/speed_test.ts` keeps.
 *
 * @module
 */

import { relay } from "../../../src/relay.ts";
import { Assembler } from "../../../src/tcp/assembler.ts";
import { checksum } from "../../../src/wire/checksum.ts";
import { newParsed, parseFrame } from "../../../src/stack/ingress.ts";
import { MemoryClient, memoryDevice, PseudoTcp } from "../../../mod.ts";
import { Program } from "../../support/program.ts";
import { Traffic } from "./traffic.ts";

const CHUNK = new Uint8Array(64_000);
const SEGMENT = new Uint8Array(1448);
const TARGET = new Uint8Array(CHUNK.length);

Deno.bench("copy 64,000 bytes", { group: "64,000 bytes", baseline: true }, () => {
  new Uint8Array(CHUNK.length).set(CHUNK);
});

const traffic = new Traffic(1);

Deno.bench("take 64,000 bytes from the program", { group: "64,000 bytes" }, (bench) => {
  const frames = traffic.frames(0, CHUNK);
  bench.start();
  traffic.take(0, frames);
  bench.end();
  traffic.settle(0);
});

Deno.bench("give 64,000 bytes to the program", { group: "64,000 bytes" }, (bench) => {
  bench.start();
  traffic.give(0, CHUNK);
  bench.end();
  traffic.settle(0);
});

Deno.bench("checksum of 64,000 bytes", { group: "64,000 bytes" }, () => {
  checksum(CHUNK, 0, CHUNK.length);
});

const [small] = new Traffic(1).frames(0, SEGMENT);
const parsed = newParsed();

Deno.bench("copy a segment", { group: "one segment", baseline: true }, () => {
  TARGET.set(SEGMENT);
});

Deno.bench("parse a segment", { group: "one segment" }, () => {
  parseFrame(small, small.length, parsed);
});

for (const count of [10, 10_000]) {
  const many = new Traffic(count);
  let next = 0;
  Deno.bench(`take a segment, ${count} flows`, { group: "one segment" }, (bench) => {
    next = (next + 7) % count;
    const frames = many.frames(next, SEGMENT);
    bench.start();
    many.take(next, frames);
    bench.end();
    many.settle(next);
  });
}

Deno.bench("put 64 segments in order", () => {
  const assembler = new Assembler();
  for (let i = 0; i < 64; i++) {
    assembler.insert((i * 37 % 64) * SEGMENT.length, SEGMENT, 0, SEGMENT.length);
  }
  for (let i = 0; i < 64; i++) assembler.take(i * SEGMENT.length);
});

Deno.bench("relay 16 MiB between a device and a tunnel in memory", { n: 20 }, async (bench) => {
  const { device, far } = memoryDevice({ mtu: 65_535, queueFrames: 4096 });
  await using stack = new PseudoTcp({ mtu: device.mtu });
  const attached = stack.attach(device);
  await using proxy = new MemoryClient(() => ({ readable }) =>
    readable.pipeTo(new WritableStream())
  );
  await using program = new Program(far, { mtu: device.mtu });
  const { value: request } = await stack.flows.getReader().read();
  if (request?.protocol !== "tcp") throw new Error("The SYN was no request");
  const tunnel = await proxy.connect(request.destination);
  if (!tunnel.ok) throw new Error(tunnel.outcome.detail);
  const ended = relay(request.accept(), tunnel);
  await program.reaches("ESTABLISHED");
  bench.start();
  for (let sent = 0; sent < 2 ** 24; sent += CHUNK.length) {
    program.write(CHUNK.slice());
    await program.sends(Math.max(0, sent - 2 ** 20));
  }
  bench.end();
  program.reset();
  await ended;
  await device.close();
  await attached;
});
