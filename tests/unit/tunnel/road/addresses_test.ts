import { assertEquals, assertRejects } from "@std/assert";
import { byTurns, connectTcp } from "../../../../src/tunnel/road/addresses.ts";

const forever = new AbortController().signal;

Deno.test("Families take turns, beginning with the preferred one", () => {
  assertEquals(byTurns([]), []);
  assertEquals(byTurns(["1.1.1.1"]), ["1.1.1.1"]);
  assertEquals(byTurns(["::1", "::2", "1.1.1.1", "::3", "1.1.1.2"]), [
    "::1",
    "1.1.1.1",
    "::2",
    "1.1.1.2",
    "::3",
  ]);
  assertEquals(byTurns(["1.1.1.1", "::1", "::2", "::3"]), ["1.1.1.1", "::1", "::2", "::3"]);
});

async function reach(addresses: readonly string[], port: number): Promise<string | undefined> {
  const socket = await connectTcp("name.test", port, forever, () => Promise.resolve(addresses));
  const { remoteAddress } = socket;
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.destroy();
  await closed;
  return remoteAddress;
}

Deno.test("An address that refuses gives way at once, and one that is silent after a while", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.2", port: 0 });
  const { port } = listener.addr;
  assertEquals(await reach(["127.0.0.1", "127.0.0.2"], port), "127.0.0.2");
  // 240.0.0.0/4 is nobody's (RFC 1112, section 4): refused at once or swallowed, as the system likes.
  assertEquals(await reach(["240.0.0.1", "::1", "127.0.0.2"], port), "127.0.0.2");
});

Deno.test("When no address answers, the last failure is told, and a signal ends the wait", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const error = await assertRejects(() => reach(["127.0.0.1", "127.0.0.2"], port), Error);
  assertEquals((error as Error & { code?: string }).code, "ECONNREFUSED");
  await assertRejects(() =>
    connectTcp("name.test", 1, forever, () => Promise.reject(new Error("no")))
  );
  const patience = new AbortController();
  const asked = connectTcp("name.test", 1, patience.signal, () => new Promise(() => {}));
  patience.abort(new Error("enough"));
  await assertRejects(() => asked, Error, "enough");
});
