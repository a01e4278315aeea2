import { assert, assertEquals } from "@std/assert";
import { capture } from "../../src/tun/capture.ts";
import { libc } from "../../src/tun/ffi.ts";
import { openTun } from "../../src/tun/linux.ts";
import { MAX_FRAME_LENGTH } from "../../src/wire/virtio.ts";
import { createNamespace } from "../support/netns.ts";
import { requires } from "../support/requires.ts";
import { runTool } from "../support/tools.ts";
import { answerSyn, isData } from "./tun_peer.ts";

const needs = requires("root", "tun", "netns", "ip", "tshark");
// The library stays open for the life of the program: opened before any test, no sanitizer takes it for a leak.
if (!needs.ignore) libc();

const CHECK = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"];

Deno.test(
  "tshark finds nothing wrong with a capture of segments that the kernel left uncut",
  needs,
  async () => {
    await using netns = await createNamespace();
    const path = await Deno.makeTempFile({ suffix: ".pcapng" });
    {
      const file = await Deno.open(path, { write: true });
      const tun = await openTun({ netns: netns.name, addresses: ["198.18.0.1/15"], mtu: 1400 });
      await using device = capture(tun, file.writable, {
        comment: (direction) => `flow ${direction}`,
      });
      await using _sender = netns.start(
        "bash",
        "-c",
        "head -c 9999 /dev/zero > /dev/tcp/198.19.0.1/80",
      );
      const frame = new Uint8Array(MAX_FRAME_LENGTH);
      while (await device.waitReadable()) {
        const length = device.readFrame(frame);
        if (length > 0 && !answerSyn(device, frame, length) && isData(frame, length)) break;
      }
    }
    const fields = ["frame.len", "tcp.checksum.status", "ip.checksum.status", "frame.comment"];
    const asked = fields.flatMap((field) => ["-e", field]);
    const table = await runTool("tshark", "-r", path, ...CHECK, "-T", "fields", ...asked);
    const rows = table.trim().split("\n").map((line) => line.split("\t"));
    const GOOD = "1";
    assert(rows.every(([, tcp, ip]) => tcp === GOOD && ip === GOOD), table);
    assert(rows.every(([length]) => Number(length) <= 1400), table);
    assert(rows.filter(([length]) => length === "1400").length >= 2, table);
    assertEquals(rows[0][3], "flow outbound");
    assertEquals(rows[1][3], "flow inbound");
    assertEquals(await runTool("tshark", "-r", path, "-Y", "_ws.malformed"), "");
    await Deno.remove(path);
  },
);
