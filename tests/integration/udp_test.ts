import { createSocket } from "node:dgram";
import { once } from "node:events";
import { assertEquals } from "@std/assert";
import { borrowAddresses } from "../support/addresses.ts";
import { createNamespace } from "../support/netns.ts";
import { runUdpClient, startEmbeddedProxy, startUp } from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";

const NEEDS = requires("netns", "tun");

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
