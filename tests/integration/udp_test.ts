import { createSocket } from "node:dgram";
import { once } from "node:events";
import { assert, assertEquals } from "@std/assert";
import { serveProxy } from "../../mod.ts";
import { ffiIsUsable } from "../../src/sockets/libc.ts";
import { BLOCKS, borrowAddresses } from "../support/addresses.ts";
import { createNamespace, type Namespace } from "../support/netns.ts";
import { startProcess } from "../support/process.ts";
import { runUdpClient, startEmbeddedProxy, startUp } from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";

// The sockets of the proxy in this process open the C library for good: before any test, whose sanitizer would take it for a leak.
ffiIsUsable();

const NEEDS = requires("netns", "tun");
const NEEDS_IPERF = requires("netns", "tun", "iperf3");

/** Sends every datagram back. */
async function serveUdpEcho(hostname: string, wantedPort = 0) {
  const socket = createSocket(hostname.includes(":") ? "udp6" : "udp4");
  socket.on("message", (message, { port, address }) => socket.send(message, port, address));
  socket.bind(wantedPort, hostname);
  await once(socket, "listening");
  return {
    hostname,
    port: `${socket.address().port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  };
}

for (const http of ["1.1", "2"]) {
  Deno.test(
    `datagrams of 1 to 65,507 bytes come back as they were sent, over HTTP/${http}`,
    NEEDS,
    async () => {
      await using addresses = await borrowAddresses();
      await using ipv4 = await serveUdpEcho(addresses.ipv4);
      await using ipv6 = await serveUdpEcho(addresses.ipv6);
      await using proxy = await startEmbeddedProxy();
      await using namespace = await createNamespace();
      const url = `https://${proxy.authority}`;
      await using _up = await startUp(namespace, url, "--insecure", "--http", http);
      for (const { hostname, port } of [ipv4, ipv6]) {
        const lengths = ["1", "1200", "1472", "1473", "60000", "65507"];
        const { tries } = await runUdpClient<{ tries: number[] }>(
          namespace,
          "echo",
          hostname,
          port,
          ...lengths,
        );
        assertEquals(tries, lengths.map(() => 1), "nothing was lost");
      }
    },
  );
}

Deno.test(
  "datagrams that the program hands over as one are carried one by one",
  NEEDS,
  async () => {
    await using addresses = await borrowAddresses();
    await using ipv4 = await serveUdpEcho(addresses.ipv4);
    await using ipv6 = await serveUdpEcho(addresses.ipv6);
    await using proxy = await startEmbeddedProxy("--plain");
    await using namespace = await createNamespace();
    await using up = await startUp(namespace, `http://${proxy.authority}`, "--log", "trace");
    for (const { hostname, port } of [ipv4, ipv6]) {
      const { answered } = await runUdpClient(namespace, "burst", hostname, port, "40", "1200");
      assertEquals(answered, 40);
    }
    // Where the kernel knows how (Linux 6.2), it was one packet on its way through the device.
    if (/--> .* UDP, 48000 bytes/.test(up.said())) {
      assert(/<-- .* UDP, \d{4,5} bytes/.test(up.said()), "answers leave together, too");
    }
  },
);

Deno.test("5,000 associations live at once", NEEDS, async () => {
  await using addresses = await borrowAddresses();
  await using echo = await serveUdpEcho(addresses.ipv4);
  // One client of the command has fewer than that.
  await using proxy = await serveProxy({
    hostname: "127.0.0.1",
    port: 0,
    tls: false,
    allow: [BLOCKS.ipv4],
    limits: { flows: 6000, flowsPerClient: 6000 },
  });
  await using namespace = await createNamespace();
  const url = `http://127.0.0.1:${proxy.port}`;
  await using _up = await startUp(namespace, url, "--http", "2");
  const { hostname, port } = echo;
  const seen = await runUdpClient<{ answered: number; tries: number }>(
    namespace,
    "many",
    hostname,
    port,
    "5000",
  );
  assertEquals([seen.answered, proxy.flows], [5000, 5000]);
});

for (const http of ["1.1", "2"]) {
  Deno.test(
    `a connected socket hears that a port is closed, over HTTP/${http}`,
    NEEDS,
    async () => {
      await using addresses = await borrowAddresses();
      await using proxy = await startEmbeddedProxy("--plain");
      await using namespace = await createNamespace();
      await using _up = await startUp(namespace, `http://${proxy.authority}`, "--http", http);
      for (const address of [addresses.ipv4, addresses.ipv6]) {
        const { code } = await runUdpClient(namespace, "refused", address, "9");
        assertEquals(code, "ECONNREFUSED");
      }
    },
  );
}

Deno.test("a target that the proxy prohibits is refused to UDP, too", NEEDS, async () => {
  await using proxy = await startEmbeddedProxy("--plain");
  await using namespace = await createNamespace();
  const routes = ["--route", "10.99.0.0/16", "--route", "fd99::/16"];
  await using _up = await startUp(namespace, `http://${proxy.authority}`, ...routes);
  const codeOf = async (address: string) =>
    (await runUdpClient(namespace, "refused", address, "9")).code;
  assertEquals([await codeOf("10.99.0.1"), await codeOf("fd99::1")], ["EHOSTUNREACH", "EACCES"]);
});

Deno.test(
  "behind an answer from port 53 an association is over after 17 s, and the next question opens another",
  NEEDS,
  async () => {
    await using addresses = await borrowAddresses();
    await using echo = await serveUdpEcho(addresses.ipv4, 53);
    await using proxy = await startEmbeddedProxy("--plain");
    await using namespace = await createNamespace();
    const url = `http://${proxy.authority}`;
    await using up = await startUp(namespace, url, "--dns", "off", "--log", "debug");
    const { tries } = await runUdpClient(namespace, "twice", echo.hostname, echo.port, "18");
    assertEquals(tries, [1, 1]);
    const said = up.said();
    assertEquals(said.match(/flow 1: .* is over, idle: 64 B out, 64 B in/g)?.length, 1, said);
    assertEquals(said.match(/flow 2: .* is open/g)?.length, 1, said);
  },
);

interface IperfEnd {
  readonly end: {
    readonly sum: { readonly packets: number; readonly lost_percent: number };
  };
}

async function iperf(namespace: Namespace, ...args: string[]): Promise<IperfEnd> {
  const { stdout, code } = await namespace.run("iperf3", "-J", "-u", "-t", "2", ...args);
  assertEquals(code, 0, stdout);
  return JSON.parse(stdout);
}

for (const http of ["1.1", "2"]) {
  Deno.test(
    `iperf3 sends 20 Mbit/s of datagrams in each direction, over HTTP/${http}`,
    NEEDS_IPERF,
    async () => {
      await using addresses = await borrowAddresses();
      const where = [addresses.ipv4, "-p", "5201"];
      await using server = startProcess("iperf3", ["-s", "--forceflush", "-B", ...where]);
      await server.waitFor(/listening/);
      await using proxy = await startEmbeddedProxy("--plain");
      await using namespace = await createNamespace();
      await using _up = await startUp(namespace, `http://${proxy.authority}`, "--http", http);
      for (const direction of [[], ["--reverse"]]) {
        const load = ["-b", "20M", "-l", "1200", ...direction];
        const { sum } = (await iperf(namespace, "-c", ...where, ...load)).end;
        const lost = `${sum.lost_percent.toFixed(2)} % of ${sum.packets} datagrams lost`;
        console.log(`HTTP/${http} ${direction.length === 0 ? "up" : "down"}: ${lost}`);
        // A machine that has much else to do loses some; without it, it is none.
        assert(sum.packets > 1_000 && sum.lost_percent < 50, lost);
      }
    },
  );
}
