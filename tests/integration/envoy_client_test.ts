/**
 * Envoy as a client of the embedded proxy: a port of it leads to one place, by CONNECT and by CONNECT-UDP.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { serveProxy } from "../../src/proxy/proxy.ts";
import { ffiIsUsable } from "../../src/sockets/libc.ts";
import { CERT, KEY } from "../support/certificate.ts";
import { startEnvoyClient } from "../support/envoy_client.ts";
import {
  patternBytes,
  patternStream,
  readConnection,
  readPattern,
  serveEcho,
  writeAll,
} from "../support/origin.ts";
import { requires } from "../support/requires.ts";
import { serveUdpEcho } from "../support/udp_echo.ts";

ffiIsUsable(); // the library stays open, which no test shall be blamed for

const LENGTH = 4 * 2 ** 20;

/** What Envoy takes at its port: 1500 bytes at most, and less into a datagram of QUIC. */
const DATAGRAMS = [1, 100, 1_000, 1_200];

/** Envoy passes a program's FIN on where HTTP has one, and takes it for the end of both directions over HTTP/1.1. */
async function passBytes(port: number, fin: "before the answer" | "behind it"): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const send = async () => {
    for await (const bytes of patternStream(LENGTH)) await writeAll(connection, bytes);
    if (fin === "before the answer") await connection.closeWrite();
  };
  const until = fin === "before the answer" ? Infinity : LENGTH;
  const [length] = await Promise.all([readPattern(readConnection(connection, until)), send()]);
  assertEquals(length, LENGTH);
}

/** UDP may lose one on a busy machine, so each is sent until it came back. */
async function passDatagrams(port: number): Promise<void> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const envoy = { transport: "udp", hostname: "127.0.0.1", port } as const;
  const late = setTimeout(() => socket.close(), 20_000);
  let again: ReturnType<typeof setInterval> | undefined;
  try {
    for (const length of DATAGRAMS) {
      const payload = patternBytes(length, length);
      const send = () => void socket.send(payload, envoy);
      again = setInterval(send, 1_000);
      send();
      let got: Uint8Array;
      do [got] = await socket.receive(); while (got.length < length); // an earlier one, sent twice
      assertEquals(got, payload);
      clearInterval(again);
    }
    socket.close();
  } finally {
    clearInterval(again);
    clearTimeout(late);
  }
}

for (const http of ["1.1", "2", "3"] as const) {
  Deno.test(
    `Envoy passes flows and datagrams on to the proxy, over HTTP/${http}`,
    requires("envoy"),
    async () => {
      await using proxy = await serveProxy({
        tls: { cert: CERT, key: KEY },
        allow: ["127.0.0.0/8"],
        http3: true,
      });
      await using origin = serveEcho();
      await using datagrams = await serveUdpEcho();
      const to = { tcp: origin.authority, udp: datagrams.port };
      await using envoy = await startEnvoyClient({ proxy, http, ...to });
      await passBytes(envoy.port, http === "1.1" ? "behind it" : "before the answer");
      await passDatagrams(envoy.port);
    },
  );
}
