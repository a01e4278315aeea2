import { Buffer } from "node:buffer";
import { assertEquals } from "@std/assert";
import dnsPacket from "npm:dns-packet@5.6.1";
import { MemoryClient, SILENT } from "../../../mod.ts";
import { type HeldName, type NameService, openNames } from "../../../src/names.ts";
import { parseIp } from "../../../src/wire/address.ts";
import { NameDesk } from "../../../src/workers/name_desk.ts";
import type { NameMessage, ToWorker } from "../../../src/workers/messages.ts";
import { RemoteNames } from "../../../src/workers/remote_names.ts";

const FACTS = { isResolver: true, takesDatagrams: true, makesUp: true };
const SERVER = { hostname: "198.18.0.2", port: 53 };

/** A worker's names and its desk, with the messages cloned as between threads. */
function joined(names: NameService) {
  const messages: string[] = [];
  const remote = new RemoteNames(FACTS, (message) => {
    messages.push(message.type);
    queueMicrotask(() => void desk.take(structuredClone(message) as NameMessage));
  });
  const desk: NameDesk = new NameDesk(names, (message: ToWorker) => {
    const copy = structuredClone(message);
    if (copy.type === "answer" || copy.type === "held") queueMicrotask(() => remote.take(copy));
  });
  return { remote, desk, messages };
}

async function addressOf(names: RemoteNames, name: string): Promise<string> {
  const query = dnsPacket.encode({ type: "query", id: 7, questions: [{ name, type: "A" }] });
  const answer = await names.answer(new Uint8Array(query), SERVER, "udp");
  const [record] = dnsPacket.decode(Buffer.from(answer!)).answers!;
  return (record as { data: string }).data;
}

Deno.test("a name that one worker was asked for is known to the other", async () => {
  await using proxy = new MemoryClient();
  await using names = openNames(proxy, {}, SILENT);
  const [one, two] = [joined(names), joined(names)];
  const address = await addressOf(one.remote, "Example.test");
  assertEquals(await addressOf(two.remote, "example.test"), address);
  using held = await two.remote.hold(parseIp(address)!);
  assertEquals(held.name, "example.test");
  using none = await two.remote.hold(parseIp("198.18.99.99")!);
  assertEquals(none.name, undefined);
});

Deno.test("an address that is not made up costs no message", () => {
  const { remote, messages } = joined({} as NameService);
  const held = remote.hold(parseIp("203.0.113.5")!) as HeldName;
  assertEquals([held.name, messages], [undefined, []]);
});

/** Names that count who is held. */
function counting() {
  let held = 0;
  const names = {
    hold: () => {
      held++;
      return { name: "a.test", [Symbol.dispose]: () => void held-- };
    },
  } as unknown as NameService;
  return { names, held: () => held };
}

Deno.test("a name is held until the worker lets go of it, or is gone", async () => {
  const { names, held } = counting();
  const { remote, desk } = joined(names);
  const address = parseIp("198.18.0.9")!;
  const [first, second] = await Promise.all([remote.hold(address), remote.hold(address)]);
  assertEquals([first.name, second.name, held()], ["a.test", "a.test", 2]);
  first[Symbol.dispose]();
  await Promise.resolve();
  await Promise.resolve();
  assertEquals(held(), 1);
  desk[Symbol.dispose]();
  await Promise.resolve();
  await Promise.resolve();
  assertEquals(held(), 0);
});

Deno.test("who waits when the worker ends waits no longer", async () => {
  const remote = new RemoteNames(FACTS, () => {});
  const answer = remote.answer(new Uint8Array(12), SERVER, "udp");
  const held = remote.hold(parseIp("198.18.0.9")!);
  await remote[Symbol.asyncDispose]();
  assertEquals([await answer, (await held).name], [undefined, undefined]);
  assertEquals(await remote.answer(new Uint8Array(12), SERVER, "udp"), undefined);
});

Deno.test("questions under way are bounded, and those beyond stay unanswered", async () => {
  let asked = 0;
  const remote = new RemoteNames(FACTS, () => void asked++);
  const answers = Array.from(
    { length: 5000 },
    () => remote.answer(new Uint8Array(12), SERVER, "udp"),
  );
  assertEquals(asked, 4096);
  assertEquals(await answers[4999], undefined);
  await remote[Symbol.asyncDispose]();
  await Promise.all(answers);
});
