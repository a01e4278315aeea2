import { assert, assertEquals } from "@std/assert";
import { concatBytes } from "../../../src/bytes.ts";
import { frameMessage, MessageSplitter } from "../../../src/dns/stream.ts";
import { seededDice } from "../random.ts";

Deno.test("a stream gives the same messages whole, byte by byte, and in any pieces", () => {
  const dice = seededDice(41);
  for (let i = 0; i < 300; i++) {
    const messages = Array.from({ length: dice.int(6) }, () => dice.bytes(12 + dice.int(300)));
    const stream = concatBytes(messages.map(frameMessage));
    for (const largest of [1, 2, 3, 50, 1_000, stream.length + 1]) {
      const splitter = new MessageSplitter();
      const found: Uint8Array[] = [];
      for (let at = 0; at < stream.length;) {
        const end = at + 1 + dice.int(largest);
        const result = splitter.push(stream.subarray(at, end));
        assert(typeof result !== "string");
        found.push(...result);
        at = end;
      }
      assertEquals(found, messages);
      assertEquals(splitter.isAtBoundary, true);
    }
  }
});

Deno.test("a message that has begun is waited for", () => {
  const splitter = new MessageSplitter();
  const message = new Uint8Array(20).fill(7);
  const framed = frameMessage(message);
  assertEquals(splitter.push(framed.subarray(0, 1)), []);
  assertEquals(splitter.isAtBoundary, false);
  assertEquals(splitter.push(framed.subarray(1, 21)), []);
  assertEquals(splitter.push(framed.subarray(21)), [message]);
  assertEquals(splitter.isAtBoundary, true);
});

Deno.test("messages are copies: the chunk may be used again", () => {
  const splitter = new MessageSplitter();
  const framed = frameMessage(new Uint8Array(12).fill(1));
  const [message] = splitter.push(framed) as Uint8Array[];
  framed.fill(9);
  assertEquals(message, new Uint8Array(12).fill(1));
});

Deno.test("a length that no message has ends the stream for good", () => {
  for (const length of [0, 1, 11]) {
    const splitter = new MessageSplitter();
    assertEquals(splitter.push(Uint8Array.of(0, length)), "dns-stream-short-message");
    assertEquals(splitter.push(frameMessage(new Uint8Array(12))), "dns-stream-short-message");
  }
});

Deno.test("a message longer than allowed is refused by its length, before its bytes are kept", () => {
  const splitter = new MessageSplitter(512);
  assertEquals(splitter.push(frameMessage(new Uint8Array(512))), [new Uint8Array(512)]);
  assertEquals(splitter.push(Uint8Array.of(2, 1)), "dns-stream-long-message");
});

Deno.test("the longest message passes by default", () => {
  const message = new Uint8Array(65_535).fill(3);
  assertEquals(new MessageSplitter().push(frameMessage(message)), [message]);
});
