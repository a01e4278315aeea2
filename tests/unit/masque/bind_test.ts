import { assert, assertEquals } from "@std/assert";
import {
  type BindPeer,
  encodeAssign,
  encodeContext,
  encodePeer,
  formatPublicAddresses,
  getPeer,
  isBound,
  parseAssign,
  parseContext,
  parsePublicAddresses,
  peerLength,
} from "../../../src/masque/bind_capsules.ts";
import { BindContexts, MAX_CONTEXTS, peerKey } from "../../../src/masque/bind_contexts.ts";
import { seededDice } from "../random.ts";

const PEER: BindPeer = { address: new Uint8Array([203, 0, 113, 11]), port: 60_000 };
const PEER6: BindPeer = { address: new Uint8Array(16).fill(7), port: 443 };

const hex = (text: string) => Uint8Array.fromHex(text.replaceAll(" ", ""));
const tableOf = (side: "client" | "proxy", allows = () => true) =>
  new BindContexts({ side, allows });
/** The value of a capsule whose header has two bytes. */
const valueOf = (capsule: Uint8Array) => capsule.slice(2);

Deno.test("The capsules of the draft's appendix A, byte by byte", () => {
  assertEquals(encodeAssign(2, undefined), hex("11 02 02 00"));
  assertEquals(encodeContext(0x12, 2), hex("12 01 02"));
  assertEquals(encodeAssign(4, PEER), hex("11 08 04 04 cb00710b ea60"));
  assertEquals(encodeContext(0x13, 2), hex("13 01 02"));
  assertEquals(encodePeer(PEER), hex("04 cb00710b ea60"));
  assertEquals(encodePeer(PEER6), hex("06 07070707070707070707070707070707 01bb"));
});

Deno.test("What is encoded reads back, and nothing shorter or longer does", () => {
  const dice = seededDice(13);
  for (let i = 0; i < 300; i++) {
    const context = dice.pick([1, 2, 63, 64, 16_383, 16_384, 2 ** 31]);
    const peer = dice.pick([
      undefined,
      { address: dice.bytes(4), port: dice.int(65_536) },
      { address: dice.bytes(16), port: dice.int(65_536) },
    ]);
    const value = valueOf(encodeAssign(context, peer));
    assertEquals(parseAssign(value), peer === undefined ? { context } : { context, peer });
    for (let length = 0; length < value.length; length++) {
      assertEquals(parseAssign(value.slice(0, length)), undefined);
    }
    assertEquals(parseAssign(new Uint8Array([...value, 0])), undefined);
    const closing = valueOf(encodeContext(0x13, context));
    assertEquals(parseContext(closing), context);
    assertEquals(
      parseContext(closing.slice(1)),
      closing.length === 1 ? undefined : parseContext(closing.slice(1)),
    );
    if (peer === undefined) continue;
    const prefix = encodePeer(peer);
    assertEquals([peerLength(prefix, 0), getPeer(prefix, 0)], [prefix.length, peer]);
    for (let length = 0; length < prefix.length; length++) {
      assertEquals(peerLength(prefix.slice(0, length), 0), 0);
    }
  }
  for (const bad of ["00 00", "02 05 cb00710b ea60", "ffffffffffffffff 00", "02"]) {
    assertEquals(parseAssign(hex(bad)), undefined, bad);
  }
  for (const bad of ["", "00", "40", "02 02"]) assertEquals(parseContext(hex(bad)), undefined, bad);
});

Deno.test("The fields mean what RFC 9651 says they mean", () => {
  for (const yes of ["?1", "?1;a", "?1; x=1"]) assert(isBound(yes), yes);
  for (const no of [null, undefined, "", "?0", "1", "?1, ?1", '"?1"', "(?1)", "true"]) {
    assert(!isBound(no), String(no));
  }
  const addresses = [{ hostname: "192.0.2.45", port: 54_321 }, {
    hostname: "2001:db8::1",
    port: 1,
  }];
  const text = '"192.0.2.45:54321", "[2001:db8::1]:1"';
  assertEquals(formatPublicAddresses(addresses), text);
  assertEquals(parsePublicAddresses(text), addresses);
  assertEquals(parsePublicAddresses('a, "host.example:1", "[::1]", "1.2.3.4:0", "1.2.3.4:5"'), [
    { hostname: "1.2.3.4", port: 5 },
  ]);
  assertEquals(parsePublicAddresses("1.2.3.4:5"), []);
  assertEquals(parsePublicAddresses(null), []);
});

Deno.test("A context goes from offer to acceptance to close, on both sides", () => {
  const [client, proxy] = [tableOf("client"), tableOf("proxy")];
  const uncompressed = proxy.take(0x11, valueOf(client.open()!));
  assertEquals(uncompressed, { answer: encodeContext(0x12, 2) });
  assertEquals(client.take(0x12, hex("02")), {});
  assertEquals([client.uncompressed, proxy.uncompressed], [2, 2]);
  assertEquals(client.open(), undefined);

  assertEquals(proxy.take(0x11, valueOf(client.open(PEER)!)), { answer: encodeContext(0x12, 4) });
  for (const side of [client, proxy]) {
    assertEquals(side.numberFor(peerKey(PEER)), 4);
    assertEquals(side.meaningOf(4)?.peer, PEER);
    assertEquals(side.meaningOf(6), undefined);
  }
  assertEquals(proxy.take(0x13, hex("04")), {});
  assertEquals(proxy.meaningOf(4), undefined);
  assertEquals(proxy.numberFor(peerKey(PEER)), undefined);
  // The same peer again, under another number.
  client.take(0x13, hex("04"));
  assertEquals(proxy.take(0x11, valueOf(client.open(PEER)!)), { answer: encodeContext(0x12, 6) });
});

Deno.test("What the draft calls malformed is a fault", () => {
  const faults: ["client" | "proxy", [number, string][], RegExp][] = [
    ["proxy", [[0x11, "02 00"], [0x11, "02 00"]], /twice/],
    ["proxy", [[0x11, "02 00"], [0x11, "04 00"]], /second context/],
    ["proxy", [[0x11, "02 04 cb00710b ea60"], [0x11, "04 04 cb00710b ea60"]], /second context/],
    ["proxy", [[0x11, "02 00"], [0x13, "02"], [0x11, "02 00"]], /twice/],
    ["proxy", [[0x11, "03 00"]], /not its own/],
    ["client", [[0x11, "02 04 cb00710b ea60"]], /not its own/],
    ["client", [[0x11, "01 00"]], /uncompressed/],
    ["client", [[0x12, "02"]], /nobody offered/],
    ["client", [[0x12, "01"]], /nobody offered/],
    ["proxy", [[0x11, "00 00"]], /malformed/],
    ["proxy", [[0x13, "00"]], /names no context/],
    ["proxy", [[0x12, ""]], /names no context/],
  ];
  for (const [side, capsules, expected] of faults) {
    const table = tableOf(side);
    const last = capsules.map(([type, value]) => table.take(type, hex(value))).at(-1)!;
    assert("fault" in last && expected.test(last.fault), JSON.stringify([capsules, last]));
  }
});

Deno.test("Of two contexts for one peer, the proxy's is closed", () => {
  const client = tableOf("client");
  client.open(PEER);
  const answer = client.take(0x11, hex("01 04 cb00710b ea60"));
  assertEquals(answer, { answer: encodeContext(0x13, 1) });
  assertEquals(client.numberFor(peerKey(PEER)), 2);

  const proxy = tableOf("proxy");
  proxy.open(PEER);
  assertEquals(proxy.take(0x11, hex("02 04 cb00710b ea60")), { answer: encodeContext(0x12, 2) });
  assertEquals(proxy.numberFor(peerKey(PEER)), 2);
});

Deno.test("A client that hears only peers of its choice refuses nothing else", () => {
  const client = tableOf("client");
  assertEquals(client.take(0x11, hex("01 04 cb00710b ea60")), { answer: encodeContext(0x12, 1) });
  assertEquals(client.numberFor(peerKey(PEER)), 1);
});

Deno.test("Peers that are not allowed, and peers beyond the bound, are refused", () => {
  assertEquals(tableOf("proxy", () => false).take(0x11, hex("02 04 cb00710b ea60")), {
    answer: encodeContext(0x13, 2),
  });
  const [client, proxy] = [tableOf("client"), tableOf("proxy")];
  const peer = (port: number) => ({ ...PEER, port });
  for (let i = 1; i <= MAX_CONTEXTS; i++) {
    const { answer } = proxy.take(0x11, valueOf(client.open(peer(i))!)) as { answer: Uint8Array };
    assertEquals(answer[0], 0x12);
  }
  assertEquals(client.open(peer(1_000)), undefined);
  const more = valueOf(encodeAssign(1_000, peer(1_000)));
  assertEquals(proxy.take(0x11, more), { answer: encodeContext(0x13, 1_000) });
  assertEquals(proxy.size, MAX_CONTEXTS);
});

Deno.test("The memory for used numbers is bounded", () => {
  const proxy = tableOf("proxy");
  let accepted = 0;
  for (let id = 2; id < 20_000; id += 2) {
    const { answer } = proxy.take(0x11, valueOf(encodeAssign(id, PEER))) as { answer: Uint8Array };
    if (answer[0] === 0x12) accepted++;
    proxy.take(0x13, valueOf(encodeContext(0x13, id)));
  }
  assertEquals([accepted, proxy.size], [4_096, 0]);
});
