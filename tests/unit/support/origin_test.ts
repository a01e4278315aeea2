import { assertEquals, assertRejects } from "@std/assert";
import { toArrayBuffer } from "@std/streams";
import { patternBytes, patternStream, readPattern, serveDiscard } from "../../support/origin.ts";

Deno.test("the pattern is one endless stream, wherever it is cut", async () => {
  const whole = patternBytes(0, 200_000);
  assertEquals(patternBytes(65_000, 100_000), whole.subarray(65_000, 165_000));
  assertEquals(new Uint8Array(await toArrayBuffer(patternStream(200_000, 999))), whole);
  assertEquals(await readPattern(patternStream(200_000, 7_777)), 200_000);
});

Deno.test("a lost, a doubled and a changed block of the pattern are seen", async () => {
  const block = (at: number) => patternBytes(at * 65_536, 65_536);
  const changed = block(1);
  changed[5]++;
  for (const blocks of [[block(0), block(2)], [block(0), block(0)], [block(0), changed]]) {
    await assertRejects(() => readPattern(ReadableStream.from(blocks)), Error, "was sent");
  }
});

Deno.test("discard answers with the number of bytes after the FIN", async () => {
  await using service = serveDiscard();
  const connection = await Deno.connect({ hostname: service.hostname, port: service.port });
  await patternStream(100_000).pipeTo(connection.writable, { preventClose: true });
  await connection.closeWrite();
  assertEquals(await new Response(connection.readable).text(), "100000");
});
