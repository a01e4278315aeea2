import process from "node:process";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { stub } from "@std/testing/mock";
import { DeviceError } from "../../src/errors.ts";
import { newParsed, parseFrame } from "../../src/stack/ingress.ts";
import { adoptTun } from "../../src/tun/fd.ts";
import { plainPackets } from "../../src/tun/offload/segment.ts";
import { openTun } from "../../src/tun/linux.ts";
import type { TunDevice } from "../../src/tun/descriptor.ts";
import {
  FRAME_HEADER_LENGTH,
  GSO_TCPV4,
  gsoSize,
  gsoType,
  MAX_FRAME_LENGTH,
  needsChecksum,
} from "../../src/wire/virtio.ts";
import { cString, F_DUPFD_CLOEXEC, libc, O_CLOEXEC, O_RDWR } from "../../src/tun/ffi.ts";
import { createNamespace, type Namespace } from "../support/netns.ts";
import { requires } from "../support/requires.ts";
import { runTool } from "../support/tools.ts";
import { answerSyn, isData } from "./tun_peer.ts";

const needs = requires("root", "tun", "netns", "ip");
// The library stays open for the life of the program: opened before any test, no sanitizer takes it for a leak.
if (!needs.ignore) libc();
const ADDRESSES = ["198.18.0.1/15", "fd73:7470::1/64"];

Deno.test("a device gets its addresses, MTU and routes", needs, async () => {
  await using netns = await createNamespace();
  const routes = ["203.0.113.7/24", "2001:db8::/32"];
  await using tun = await openTun({
    name: "ptcp0",
    netns: netns.name,
    addresses: ADDRESSES,
    routes,
    mtu: 1400,
  });
  assertEquals([tun.name, tun.mtu, tun.offload], ["ptcp0", 1400, true]);
  const link = await runTool("ip", "-n", netns.name, "-o", "address", "show", "dev", "ptcp0");
  assert(link.includes("inet 198.18.0.1/15") && link.includes("inet6 fd73:7470::1/64"), link);
  assert(!link.includes("fe80"), "no link-local address, and so no router solicitation");
  const queue = await runTool("ip", "-n", netns.name, "-o", "link", "show", "dev", "ptcp0");
  assert(queue.includes("qlen 4096"), queue);
  const ipv4 = await runTool("ip", "-n", netns.name, "route");
  assert(ipv4.includes("203.0.113.0/24 dev ptcp0") && !ipv4.includes("default"), ipv4);
  assert(
    (await runTool("ip", "-n", netns.name, "-6", "route")).includes("2001:db8::/32 dev ptcp0"),
  );
});

Deno.test("closing leaves no interface behind", needs, async () => {
  await using netns = await createNamespace();
  const tun = await openTun({ netns: netns.name, addresses: ADDRESSES });
  assert((await runTool("ip", "-n", netns.name, "link")).includes(tun.name));
  await tun.close();
  await tun.close();
  assert(!(await runTool("ip", "-n", netns.name, "link")).includes(tun.name));
  assertEquals(tun.readFrame(new Uint8Array(MAX_FRAME_LENGTH)), 0);
  assertEquals(tun.writeFrame(new Uint8Array(30), 30), false);
  assertEquals(await tun.waitReadable(), false);
});

Deno.test("closing wakes a waiting reader", needs, async () => {
  await using netns = await createNamespace();
  const tun = await openTun({ netns: netns.name });
  const waiting = tun.waitReadable();
  assertEquals(waiting, tun.waitReadable(), "two callers share one wait");
  await tun.close();
  assertEquals(await waiting, false);
});

Deno.test("an interface that somebody removes ends the wait", needs, async () => {
  await using netns = await createNamespace();
  await using tun = await openTun({ netns: netns.name });
  const waiting = tun.waitReadable();
  await runTool("ip", "-n", netns.name, "link", "del", tun.name);
  assertEquals(await waiting, false);
  assertEquals(tun.readFrame(new Uint8Array(MAX_FRAME_LENGTH)), 0);
  assertEquals(tun.writeFrame(new Uint8Array(30), 30), false);
});

Deno.test("where the event loop cannot watch the device, a thread does", needs, async () => {
  using binding = stub(process as unknown as { binding(): void }, "binding", () => {
    throw new Error("This runtime has no such door");
  });
  await using netns = await createNamespace();
  await using tun = await openTun({ netns: netns.name, addresses: ["198.18.0.1/15"] });
  const waiting = tun.waitReadable();
  await netns.run("ping", "-c", "1", "-W", "1", "198.18.0.9");
  assert(await waiting);
  assert(tun.readFrame(new Uint8Array(MAX_FRAME_LENGTH)) > FRAME_HEADER_LENGTH);
  assertEquals(binding.calls.length, 1);
  const next = tun.waitReadable();
  await tun.close();
  assertEquals(await next, false);
});

Deno.test("a name that is held is taken", needs, async () => {
  await using netns = await createNamespace();
  await using _held = await openTun({ name: "ptcp0", netns: netns.name });
  for (const name of ["ptcp0", "lo"]) {
    const error = await assertRejects(
      () => openTun({ name, netns: netns.name }),
      DeviceError,
      "Choose another name",
    );
    assertEquals(error.code, "name-taken");
  }
});

Deno.test("a namespace that is not there is not found", needs, async () => {
  const error = await assertRejects(() => openTun({ netns: "nobody-made-me" }), DeviceError);
  assertEquals(error.code, "not-found");
});

Deno.test(
  "a route that is there already is refused and nothing stays",
  needs,
  async () => {
    await using netns = await createNamespace();
    const options = { netns: netns.name, routes: ["203.0.113.0/24", "203.0.113.0/24"] };
    const error = await assertRejects(() => openTun(options), DeviceError, "203.0.113.0/24");
    assertEquals(error.code, "failed");
    assert(!(await runTool("ip", "-n", netns.name, "link")).includes("tun"));
  },
);

/** Lets a program in the namespace send 40,000 bytes over TCP and returns the first frame of them. */
async function firstData(tun: TunDevice, netns: Namespace): Promise<Uint8Array> {
  await using _sender = netns.start(
    "bash",
    "-c",
    "head -c 40000 /dev/zero > /dev/tcp/198.19.0.1/80",
  );
  const frame = new Uint8Array(MAX_FRAME_LENGTH);
  while (await tun.waitReadable()) {
    const length = tun.readFrame(frame);
    if (length > 0 && !answerSyn(tun, frame, length) && isData(frame, length)) {
      return frame.slice(0, length);
    }
  }
  throw new Error("The device closed");
}

Deno.test("the kernel hands over a segment longer than the MTU", needs, async () => {
  await using netns = await createNamespace();
  await using tun = await openTun({ netns: netns.name, addresses: ADDRESSES, mtu: 1400 });
  const frame = await firstData(tun, netns);
  assert(frame.length > FRAME_HEADER_LENGTH + tun.mtu, `${frame.length} bytes`);
  assertEquals(gsoType(frame), GSO_TCPV4);
  assertEquals(gsoSize(frame), 1360);
  assert(needsChecksum(frame));
});

Deno.test(
  "without offload packets that follow each other make one frame, and come apart as they were",
  needs,
  async () => {
    await using netns = await createNamespace();
    const addresses = ADDRESSES;
    await using tun = await openTun({ netns: netns.name, addresses, mtu: 1400, offload: false });
    assertEquals(tun.offload, false);
    const frame = await firstData(tun, netns);
    const packets = plainPackets(frame, frame.length);
    assert(packets.length > 1, "the first packet came alone");
    for (const packet of packets.slice(0, -1)) assertEquals(packet.length, tun.mtu);
    const into = newParsed();
    for (const packet of packets) {
      const plain = new Uint8Array(FRAME_HEADER_LENGTH + packet.length);
      plain.set(packet, FRAME_HEADER_LENGTH);
      assertEquals(parseFrame(plain, plain.length, into), undefined);
    }
  },
);

Deno.test("a foreign descriptor speaks as it was opened", needs, async () => {
  await using netns = await createNamespace();
  for (const offload of [true, false]) {
    await using opened = await openTun({ netns: netns.name, addresses: ADDRESSES, offload });
    await using adopted = adoptTun(libc().fcntl(opened.fd, F_DUPFD_CLOEXEC, 0), { mtu: 1400 });
    assertEquals([adopted.name, adopted.mtu, adopted.offload], [opened.name, 1400, offload]);
    const frame = await firstData(adopted, netns);
    // Whoever is quick may find one plain packet in place of several that are joined.
    assertEquals(plainPackets(frame, frame.length)[0].length, adopted.mtu);
    if (offload) assertEquals(gsoType(frame), GSO_TCPV4);
  }
});

Deno.test("a descriptor of something else is refused and stays open", needs, () => {
  const fd = libc().open(cString("/dev/null"), O_RDWR | O_CLOEXEC);
  const error = assertThrows(() => adoptTun(fd), DeviceError, "no TUN device");
  assertEquals(error.code, "unsupported");
  assertEquals(libc().close(fd), 0);
  assertThrows(() => adoptTun(-1), RangeError);
});
