import { assert, assertEquals } from "@std/assert";
import { PseudoTcp } from "../../src/flow/pseudo_tcp.ts";
import { libc } from "../../src/tun/ffi.ts";
import { openTun } from "../../src/tun/linux.ts";
import { createNamespace, type Namespace } from "../support/netns.ts";
import { patternStream } from "../support/origin.ts";
import { runClient } from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";
import { runTool } from "../support/tools.ts";

const needs = requires("root", "tun", "netns", "ip", "ping", "python3");
// The library stays open for the life of the program: opened before any test, no sanitizer takes it for a leak.
if (!needs.ignore) libc();

/** Addresses of the stack: behind the device, where a route leads and no kernel answers. */
const FAR = { 4: "203.0.113.5", 6: "2001:db8::5" } as const;
const ROUTES = ["203.0.113.0/24", "2001:db8::/64"];
const ADDRESSES = ["198.18.0.1/30", "fd73:7470::1/64"];
/** What a download brings: enough for thousands of segments. */
const LENGTH = 3_000_000;

/** A stack behind a device in `netns`, which accepts every flow and sends it the pattern. */
async function openStack(netns: Namespace, offload: boolean) {
  await using opening = new AsyncDisposableStack();
  const tun = opening.use(
    await openTun({ netns: netns.name, addresses: ADDRESSES, routes: ROUTES, offload }),
  );
  const stack = new PseudoTcp({ mtu: tun.mtu, offload, addresses: Object.values(FAR) });
  const attached = stack.attach(tun);
  const serving = serve(stack);
  opening.defer(async () => {
    await stack.close();
    await tun.close();
    await Promise.all([attached, serving]);
  });
  const closing = opening.move();
  return { stack, tun, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

async function serve(stack: PseudoTcp): Promise<void> {
  const flows: Promise<unknown>[] = [];
  for await (const request of stack.flows) {
    if (request.protocol === "udp") {
      request.refuse({ refusal: "port-unreachable" });
      continue;
    }
    const flow = request.accept();
    flows.push(
      patternStream(LENGTH).pipeTo(flow.writable),
      flow.readable.pipeTo(new WritableStream()),
    );
  }
  await Promise.allSettled(flows);
}

/** Sends a datagram of `length` bytes to a closed port and prints what the socket heard of it. */
const SEND_DATAGRAM = `
import socket, sys
host, length = sys.argv[1], int(sys.argv[2])
s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(10)
s.connect((host, 9))
s.send(bytes(length))
try:
    s.recv(1)
except OSError as error:
    print(type(error).__name__)
`;

for (const offload of [true, false]) {
  const how = offload ? "with offload" : "without offload";

  Deno.test(`ping gets its 60,000 bytes back in fragments, ${how}`, needs, async () => {
    await using netns = await createNamespace();
    await using host = await openStack(netns, offload);
    for (const target of Object.values(FAR)) {
      for (const size of ["56", "1473", "8000", "60000"]) {
        const ping = ["-c", "3", "-i", "0.05", "-W", "10", "-s", size, target];
        const { code, stdout, stderr } = await netns.run("ping", ...ping);
        assertEquals(code, 0, `${target} with ${size} bytes: ${stdout}${stderr}`);
        // ping compares every byte that comes back.
        assert(!stdout.includes("wrong data"), stdout);
        assert(stdout.includes("3 received"), stdout);
      }
    }
    assertEquals([...host.stack.stats.drops], []);
  });

  Deno.test(`a datagram of 60,000 bytes to a closed port is refused, ${how}`, needs, async () => {
    await using netns = await createNamespace();
    await using host = await openStack(netns, offload);
    for (const target of Object.values(FAR)) {
      for (const length of ["10", "60000"]) {
        const { stdout, stderr } = await netns.run("python3", "-c", SEND_DATAGRAM, target, length);
        assertEquals(stdout.trim(), "ConnectionRefusedError", `${target} ${length}: ${stderr}`);
      }
    }
    assertEquals([...host.stack.stats.drops], []);
  });

  Deno.test(
    `a client behind a link narrower than the device gets every byte, ${how}`,
    needs,
    async () => {
      await using gateway = await createNamespace();
      await using client = await createNamespace();
      await using host = await openStack(gateway, offload);
      for (const [mtu, families] of [[1280, [4, 6]], [576, [4]], [400, [4]]] as const) {
        await using _link = await layLink(gateway, client, mtu);
        for (const family of families) {
          const got = await runClient<{ length: number }>(client, "download", FAR[family], "80");
          assertEquals(got.length, LENGTH, `IPv${family} over ${mtu}`);
        }
      }
      const { drops } = host.stack.stats;
      assertEquals(drops.get("icmp-error-bad-quote"), undefined);
      assertEquals(drops.get("icmp-error-without-flow"), undefined);
    },
  );
}

/** A cable from the client, which believes in 1500 bytes, to a gateway, which sends no more than `mtu` back. */
async function layLink(
  gateway: Namespace,
  client: Namespace,
  mtu: number,
): Promise<AsyncDisposable> {
  const cable = ["link", "add", "gate", "netns", gateway.name, "mtu", `${mtu}`, "type", "veth"];
  await runTool("ip", ...cable, "peer", "name", "host", "netns", client.name);
  const ip = (where: Namespace, ...words: string[]) => runTool("ip", "-n", where.name, ...words);
  for (const [where, end, one] of [[gateway, "gate", 1], [client, "host", 2]] as const) {
    await ip(where, "address", "add", `10.77.0.${one}/24`, "dev", end);
    if (mtu >= 1280) await ip(where, "address", "add", `fd77::${one}/64`, "dev", end, "nodad");
    await ip(where, "link", "set", end, "up");
  }
  const forward =
    "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding";
  await gateway.run("sh", "-c", forward);
  await ip(client, "route", "add", "default", "via", "10.77.0.1");
  if (mtu >= 1280) await ip(client, "route", "add", "default", "via", "fd77::1");
  return {
    [Symbol.asyncDispose]: async () => void await ip(gateway, "link", "delete", "gate"),
  };
}
