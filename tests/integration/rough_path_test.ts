import { assert, assertEquals } from "@std/assert";
import { MemoryClient, openTun, run } from "../../mod.ts";
import { libc } from "../../src/tun/ffi.ts";
import { tapFrames } from "../../src/tun/tap.ts";
import { decode } from "../support/naive_packet.ts";
import { createNamespace } from "../support/netns.ts";
import { runClient } from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";
import { roughDevice, type Roughness } from "../support/rough_device.ts";

const NEEDS = requires("root", "netns", "tun", "ip");
// The library stays open for the life of the program: opened before any test, no sanitizer takes it for a leak.
if (!NEEDS.ignore) libc();

const MEBIBYTE = 2 ** 20;
const ADDRESSES = ["198.18.0.1/15", "fd00::1/64"];
const FAR = { 4: "198.19.0.1", 6: "fd00::2" };

/** Congestion controls of the program's kernel, where it has them: bbr is a module that some machines lack. */
const CONTROLS = ["reno", "cubic", "bbr"];

function kernelHas(control: string): boolean {
  const path = "/proc/sys/net/ipv4/tcp_available_congestion_control";
  return !NEEDS.ignore && Deno.readTextFileSync(path).trim().split(" ").includes(control);
}

/** One exchange of the kernel's TCP with an echo behind a bad link. */
interface Exchange {
  readonly roughness: Roughness;
  readonly length: number;
  readonly mtu?: number;
  /** What the namespace's end of the device says, where that is less. */
  readonly kernelMtu?: number;
  readonly sysctls?: readonly string[];
  /** The congestion control of the kernel. */
  readonly control?: string;
  readonly family?: 4 | 6;
  readonly offload?: boolean;
}

/** Sends a pattern and gets it back through the link; gives the largest window that the stack has offered. */
async function exchange(what: Exchange): Promise<number> {
  const { roughness, length, mtu = 1500, family = 4, offload = false } = what;
  await using namespace = await createNamespace();
  for (const each of what.sysctls ?? []) {
    assertEquals(await namespace.run("sysctl", "-q", "-w", each), OK, each);
  }
  const addresses = what.kernelMtu === undefined ? ADDRESSES : ADDRESSES.slice(0, 1);
  const tun = await openTun({ netns: namespace.name, name: "tun0", addresses, mtu, offload });
  if (what.kernelMtu !== undefined) {
    const words = ["link", "set", "tun0", "mtu", `${what.kernelMtu}`];
    assertEquals(await namespace.run("ip", ...words), OK);
  }
  if (what.control !== undefined) {
    // By the route: a namespace may not choose from all the controls that the machine has.
    const words = ["replace", "198.19.0.0/16", "dev", "tun0", "congctl", what.control];
    assertEquals(await namespace.run("ip", "route", ...words), OK);
  }
  let widest = 0;
  const watched = tapFrames(roughDevice(tun, roughness), (direction, frame, end) => {
    if (direction !== "inbound" || frame[FRAME_AT_PROTOCOL[family]] !== 6) return;
    const { flags, window } = decode(frame.slice(0, end));
    if (!flags.includes("S")) widest = Math.max(widest, window << WINDOW_SHIFT);
  });
  await using proxy = new MemoryClient(() => "echo");
  await using _running = run(watched, proxy, { dns: "off" });
  const ran = await runClient(namespace, "exchange", FAR[family], "7", `${length}`);
  assertEquals(ran, { length });
  return widest;
}

const OK = { code: 0, stdout: "", stderr: "" };
const WINDOW_SHIFT = 8;
/** Where the protocol stands in a frame. */
const FRAME_AT_PROTOCOL = { 4: 10 + 9, 6: 10 + 6 };

/** One frame of a hundred lost, and three late, each way. */
const rough = (seed: number): Roughness => ({ seed, loss: 0.01, late: 0.03 });

for (const mtu of [1280, 1500, 9000, 65_535]) {
  for (const family of [4, 6] as const) {
    Deno.test(
      `with an MTU of ${mtu} every byte passes a link that loses and reorders, over IPv${family}`,
      NEEDS,
      async () => {
        await exchange({ roughness: rough(mtu), length: 4 * MEBIBYTE, mtu, family });
      },
    );
  }
}

Deno.test(
  "with an MTU of 576 at the program every byte passes a link that loses and reorders",
  NEEDS,
  async () => {
    await exchange({ roughness: rough(576), length: 2 * MEBIBYTE, kernelMtu: 576 });
  },
);

for (const control of CONTROLS.filter((name) => kernelHas(name))) {
  Deno.test(
    `a program with ${control} gets every byte through a link that loses, reorders and takes its time`,
    NEEDS,
    async () => {
      await exchange({
        roughness: { ...rough(7), delayMs: 2 },
        length: 2 * MEBIBYTE,
        control,
      });
    },
  );
}

Deno.test(
  "over a path of 100 ms the receive window grows until the kernel's own queue is the limit",
  NEEDS,
  async () => {
    const widest = await exchange({
      roughness: { seed: 1, delayMs: 50 },
      length: 24 * MEBIBYTE,
      offload: true,
      // The program's own limits are no matter here.
      sysctls: ["net.ipv4.tcp_wmem=4096 65536 33554432", "net.ipv4.tcp_rmem=4096 131072 33554432"],
    });
    assert(widest > 2 * MEBIBYTE, `${widest} bytes at most`);
  },
);
