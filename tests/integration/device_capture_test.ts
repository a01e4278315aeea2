import { assert, assertEquals } from "@std/assert";
import { borrowAddresses } from "../support/addresses.ts";
import { createNamespace } from "../support/netns.ts";
import { serveChargen, serveDiscard } from "../support/origin.ts";
import { runClient, startEmbeddedProxy, startUp } from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";
import { runTool } from "../support/tools.ts";

const NEEDS = requires("netns", "tun", "tshark");
const LENGTH = 8 * 2 ** 20;

/** What tshark must not find. Checksum status 0 is bad, 2 is unverified. */
const FAULTS = [
  "_ws.malformed",
  "ip.checksum.status == 0",
  "tcp.checksum.status == 0",
  "tcp.analysis.spurious_retransmission",
  "tcp.analysis.zero_window_probe && tcp.len > 1",
  "tcp.analysis.ack_lost_segment",
];

Deno.test("tshark finds no fault in the packets of a transfer", NEEDS, async () => {
  const folder = await Deno.makeTempDir({ prefix: "pseudotcp-" });
  try {
    const file = `${folder}/device.pcapng`;
    await record(file);
    const checked = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"];
    const read = (filter: string) => runTool("tshark", "-r", file, ...checked, "-Y", filter);
    const segments = (await read("tcp.checksum.status == 1")).trim().split("\n").length;
    assert(segments > 1000, `only ${segments} segments with a good checksum were captured`);
    for (const fault of FAULTS) assertEquals(await read(fault), "", fault);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Records a download and an upload over both families, as seen on the device, without offload. */
async function record(file: string): Promise<void> {
  await using addresses = await borrowAddresses();
  await using proxy = await startEmbeddedProxy("--plain");
  await using namespace = await createNamespace();
  await using _up = await startUp(namespace, `http://${proxy.authority}`, "--no-offload");
  const capture = ["-i", "tun0", "-w", file, "-q", "-B", "64"];
  await using tshark = namespace.start("tshark", ...capture);
  await tshark.waitFor(/Capturing on/);
  await untilItExists(file);
  for (const address of [addresses.ipv4, addresses.ipv6]) {
    await using source = serveChargen(LENGTH, address);
    await using sink = serveDiscard(address);
    await runClient(namespace, "download", address, `${source.port}`);
    await runClient(namespace, "upload", address, `${sink.port}`, `${LENGTH}`);
  }
  tshark.kill("SIGINT"); // it writes the rest and ends
  await tshark.status;
}

/** The file is there as soon as the capture has begun. */
async function untilItExists(file: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const size = await Deno.stat(file).then(({ size }) => size, () => 0);
    if (size > 0) return;
    if (performance.now() > deadline) throw new Error("tshark did not begin within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
