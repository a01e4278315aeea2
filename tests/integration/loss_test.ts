import { assertEquals } from "@std/assert";
import { borrowAddresses } from "../support/addresses.ts";
import { createNamespace, type Namespace } from "../support/netns.ts";
import { serveChargen, serveDiscard } from "../support/origin.ts";
import { runClient, startEmbeddedProxy, startUp } from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";

const NEEDS = requires("netns", "tun", "nft");
const MEBIBYTE = 2 ** 20;

/** Drops so many of a hundred packets, in each direction, at the program's side of the device. */
async function loseOnBothSides(namespace: Namespace, percent: number): Promise<void> {
  const rule = `numgen random mod 100 < ${percent} drop`;
  const ran = await namespace.run(
    "nft",
    `table inet lossy {
      chain in { type filter hook input priority 0; meta l4proto tcp ${rule}; }
      chain out { type filter hook output priority 0; meta l4proto tcp ${rule}; }
    }`,
  );
  assertEquals(ran, { code: 0, stdout: "", stderr: "" });
}

/** What is switched off at the program's kernel, and whether the device cuts segments. */
const CASES: [name: string, sysctls: string[], flags: string[]][] = [
  ["as Linux has it", [], ["--no-offload"]],
  ["in super-packets", [], []],
  ["without SACK", ["net.ipv4.tcp_sack=0"], ["--no-offload"]],
  ["without timestamps", ["net.ipv4.tcp_timestamps=0"], ["--no-offload"]],
  ["without window scaling", ["net.ipv4.tcp_window_scaling=0"], ["--no-offload"]],
];

for (const [name, sysctls, flags] of CASES) {
  Deno.test(`with 2 % lost each way every byte passes each way, ${name}`, NEEDS, async () => {
    const length = 16 * MEBIBYTE;
    await using addresses = await borrowAddresses();
    await using proxy = await startEmbeddedProxy("--plain");
    await using namespace = await createNamespace();
    await using _up = await startUp(namespace, `http://${proxy.authority}`, ...flags);
    await using source = serveChargen(length, addresses.ipv4);
    await using sink = serveDiscard(addresses.ipv4);
    for (const each of sysctls) await namespace.run("sysctl", "-q", "-w", each);
    await loseOnBothSides(namespace, 2);
    assertEquals(await runClient(namespace, "download", source.hostname, `${source.port}`), {
      length,
    });
    const answer = `${length}`;
    assertEquals(
      await runClient(namespace, "upload", sink.hostname, `${sink.port}`, answer),
      { answer },
    );
  });
}
