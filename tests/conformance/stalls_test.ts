import { assertEquals } from "@std/assert";
import { memoryDevice, run } from "../../mod.ts";
import type { ProxyClient } from "../../src/tunnel/tunnel.ts";
import { Program } from "../support/program.ts";
import { established } from "../support/script.ts";

Deno.test("stall: two ends that each believe the other's numbers wrong do not feed each other", () => {
  const script = established();
  let answers = 0;
  for (let now = 0; now < 10_000; now += 10) {
    script.until(now).send({ seq: 1, ack: 5000 });
    for (const line of script.drain()) {
      answers++;
      assertEquals(line, "A 1 ack 1");
    }
  }
  assertEquals(answers, 20);
  script.send({ seq: 1, data: 10 }).expect("A 1 ack 11").events();
});

Deno.test("a program that gives up while its SYN is held cancels the tunnel that is being opened", async () => {
  const { device, far } = memoryDevice({ offload: false });
  const asked = Promise.withResolvers<void>();
  const cancelled = Promise.withResolvers<unknown>();
  const proxy = {
    connect: (_target: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => {
          cancelled.resolve(signal.reason);
          reject(signal.reason);
        });
        asked.resolve();
      }),
    close: () => Promise.resolve(),
  } as unknown as ProxyClient;
  await using running = run(device, proxy);
  await using program = new Program(far);
  await asked.promise;
  assertEquals(program.client.endpoint.state, "SYN-SENT");
  program.reset();
  assertEquals((await cancelled.promise as DOMException).name, "AbortError");
  assertEquals(running.stats.flows, 0);
});
