import { assert } from "@std/assert";
import { borrowAddresses } from "../support/addresses.ts";
import { createNamespace } from "../support/netns.ts";
import { serveChargen, serveDiscard } from "../support/origin.ts";
import { runClient, startEmbeddedProxy, startUp } from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";
import { runTool } from "../support/tools.ts";

const NEEDS = requires("netns", "tun", "tshark");
const LENGTH = 8 * 2 ** 20;

/**
 * What tshark must not find in any packet. Checksum status 0 is bad, 2 is unverified. Where a sum is 0 the kernel writes 0xffff, which is the
 * same in ones' complement (CSUM_MANGLED_0 of net/checksum.h), and tshark calls that bad: one packet of 65,536.
 */
const FAULTS = [
  "_ws.malformed",
  "ip.checksum.status == 0",
  "tcp.checksum.status == 0 && tcp.checksum != 0xffff",
  "tcp.analysis.zero_window_probe && tcp.len > 1",
  "tcp.analysis.ack_lost_segment",
];
/** What it must not find in those of the stack. The kernel repeats what is not answered within two round trips, which are nothing here. */
const FAULTS_OF_OURS = ["tcp.analysis.spurious_retransmission"];
/** Packets of the same connection that a failure shows before the fault. */
const PACKETS_BEFORE = 40;

Deno.test("tshark finds no fault in the packets of a transfer", NEEDS, async () => {
  const folder = await Deno.makeTempDir({ prefix: "pseudotcp-" });
  try {
    const file = `${folder}/device.pcapng`;
    const { ipv4, ipv6 } = await record(file);
    const checked = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"];
    const read = (filter: string, ...more: string[]) =>
      runTool("tshark", "-r", file, ...checked, ...more, "-Y", filter);
    const segments = (await read("tcp.checksum.status == 1")).trim().split("\n").length;
    assert(segments > 1000, `only ${segments} segments with a good checksum were captured`);
    const isOurs = `(ip.src == ${ipv4} || ipv6.src == ${ipv6})`;
    const faults = [...FAULTS, ...FAULTS_OF_OURS.map((fault) => `${fault} && ${isOurs}`)];
    for (const fault of faults) {
      const found = await read(fault);
      if (found !== "") throw new Error(`${fault}:\n${found}${await historyOf(fault, read)}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** What went before the first of the packets that `fault` finds. */
async function historyOf(fault: string, read: typeof runTool): Promise<string> {
  const fields = ["-T", "fields", "-e", "frame.number", "-e", "tcp.stream"];
  const [first] = (await read(fault, ...fields)).split("\n");
  const [frame, stream] = first.split("\t");
  const before = `frame.number <= ${frame} && tcp.stream == ${stream}`;
  const lines = (await read(stream ? before : `frame.number <= ${frame}`)).trimEnd().split("\n");
  return `The first of them, and what went before:\n${lines.slice(-PACKETS_BEFORE).join("\n")}`;
}

/** Records a download and an upload over both families, as seen on the device, without offload. */
async function record(file: string): Promise<{ ipv4: string; ipv6: string }> {
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
  return { ipv4: addresses.ipv4, ipv6: addresses.ipv6 };
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
