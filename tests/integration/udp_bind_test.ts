import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { assertEquals, assertMatch } from "@std/assert";
import { borrowAddresses } from "../support/addresses.ts";
import { createNamespace } from "../support/netns.ts";
import { runUdpClient, startHttp3Proxy, startUp } from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";

const NEEDS = requires("netns", "tun");

/** Tells whoever asks what address it sees, and hands that to `onSeen`. */
async function serveStun(hostname: string, onSeen: (from: RemoteInfo) => void = () => {}) {
  const socket = createSocket(hostname.includes(":") ? "udp6" : "udp4");
  socket.on("message", (_message, from) => {
    socket.send(`${from.address} ${from.port}`, from.port, from.address);
    onSeen(from);
  });
  socket.bind(0, hostname);
  await once(socket, "listening");
  return {
    socket,
    address: [hostname, `${socket.address().port}`],
    async [Symbol.asyncDispose]() {
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  };
}

for (
  const [http, family] of [
    ["1.1", "ipv4"],
    ["2", "ipv4"],
    ["2", "ipv6"],
    ["3", "ipv4"],
  ] as const
) {
  Deno.test(
    `RFC 4787, REQ-1 and REQ-8: all see one address of a program's port, and strangers reach it there, over HTTP/${http} and ${family}`,
    NEEDS,
    async () => {
      await using addresses = await borrowAddresses();
      await using others = await borrowAddresses();
      await using knocker = await serveStun(others[family]);
      await using one = await serveStun(addresses[family], ({ address, port }) => {
        knocker.socket.send("knock", port, address);
      });
      await using two = await serveStun(others[family]);
      await using proxy = await startHttp3Proxy("--bind", addresses[family]);
      await using namespace = await createNamespace();
      const url = `https://${proxy.authority}`;
      await using _up = await startUp(namespace, url, "--pin", proxy.pin!, "--http", http);
      const { answers, heard } = await runUdpClient<{ answers: string[]; heard: string }>(
        namespace,
        "mapped",
        ...one.address,
        ...two.address,
      );
      assertEquals(heard, `knock from ${others[family]}`);
      assertMatch(answers[0], new RegExp(`^${addresses[family]} \\d+$`));
      assertEquals(answers[1], answers[0]);
    },
  );
}
