import { assertEquals } from "@std/assert";
import { borrowAddresses } from "../support/addresses.ts";
import { createNamespace } from "../support/netns.ts";
import {
  readConnection,
  readPattern,
  serveDiscard,
  serveTcp,
  writeAll,
} from "../support/origin.ts";
import { runClient, startEmbeddedProxy, startUp } from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";

const NEEDS = requires("netns", "tun");
const LENGTH = 3_000_000;

for (const http of ["1.1", "2"]) {
  Deno.test(
    `a program that has said all still hears the answer, over HTTP/${http}`,
    NEEDS,
    async () => {
      await using addresses = await borrowAddresses();
      await using origin = serveDiscard(addresses.ipv4);
      await using proxy = await startEmbeddedProxy("--plain");
      await using namespace = await createNamespace();
      await using _up = await startUp(namespace, `http://${proxy.authority}`, "--http", http);
      const { hostname, port } = origin;
      assertEquals(
        await runClient(namespace, "upload", hostname, `${port}`, `${LENGTH}`),
        { answer: `${LENGTH}` },
      );
    },
  );

  Deno.test(
    `an origin that has said all still hears the program, over HTTP/${http}`,
    NEEDS,
    async () => {
      const heard = Promise.withResolvers<number>();
      await using addresses = await borrowAddresses();
      await using origin = serveTcp(async (connection) => {
        await writeAll(connection, new TextEncoder().encode("hello, and good bye"));
        await connection.closeWrite();
        heard.resolve(await readPattern(readConnection(connection)));
      }, addresses.ipv4);
      await using proxy = await startEmbeddedProxy("--plain");
      await using namespace = await createNamespace();
      await using _up = await startUp(namespace, `http://${proxy.authority}`, "--http", http);
      const { hostname, port } = origin;
      assertEquals(
        await runClient(namespace, "late-upload", hostname, `${port}`, `${LENGTH}`),
        { greeting: "hello, and good bye" },
      );
      assertEquals(await heard.promise, LENGTH);
    },
  );
}
