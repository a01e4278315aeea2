import { assertEquals, assertRejects } from "@std/assert";
import {
  ByteSliceStream,
  concatReadableStreams,
  DelimiterStream,
  earlyZipReadableStreams,
  LimitedBytesTransformStream,
  LimitedTransformStream,
  mergeReadableStreams,
  TextDelimiterStream,
  TextLineStream,
  toArrayBuffer,
  toBlob,
  toJson,
  toText,
  toTransformStream,
  zipReadableStreams,
} from "@std/streams";

const from = <T>(...chunks: T[]) => ReadableStream.from(chunks);
const bytes = (...values: number[]) => new Uint8Array(values);

Deno.test("toArrayBuffer and toBlob join the chunks", async () => {
  const joined = await toArrayBuffer(from(bytes(1), bytes(), bytes(2, 3)));
  assertEquals(new Uint8Array(joined), bytes(1, 2, 3));
  assertEquals(await (await toBlob(from(bytes(1), bytes(2)))).bytes(), bytes(1, 2));
});

Deno.test("toText joins a character that was cut in two, and takes strings", async () => {
  const euro = new TextEncoder().encode("€");
  assertEquals(await toText(from(euro.subarray(0, 1), euro.subarray(1))), "€");
  assertEquals(await toText(from("a", "b")), "ab");
});

Deno.test("toJson reads a value", async () => {
  assertEquals(await toJson(from('{"a":', "1}")), { a: 1 });
});

Deno.test("concatReadableStreams keeps the order of the streams", async () => {
  assertEquals(
    await Array.fromAsync(concatReadableStreams(from(1, 2), from<number>(), from(3))),
    [1, 2, 3],
  );
});

Deno.test("mergeReadableStreams loses nothing and passes an error on", async () => {
  const all = await Array.fromAsync(mergeReadableStreams(from(1, 2), from(3)));
  assertEquals(all.sort(), [1, 2, 3]);
  const broken = new ReadableStream<number>({ start: (c) => c.error(new TypeError("gone")) });
  await assertRejects(
    () => Array.fromAsync(mergeReadableStreams(from(1), broken)),
    TypeError,
    "gone",
  );
});

Deno.test("zipReadableStreams goes on to the end of the longest stream", async () => {
  assertEquals(await Array.fromAsync(zipReadableStreams(from(1, 2, 3), from(10))), [1, 10, 2, 3]);
});

Deno.test("earlyZipReadableStreams stops with the shortest stream", async () => {
  assertEquals(
    await Array.fromAsync(earlyZipReadableStreams(from(1, 2, 3), from(10))),
    [1, 10, 2],
  );
});

Deno.test("LimitedBytesTransformStream drops the chunk that goes beyond, or errors", async () => {
  const cut = from(bytes(1, 2), bytes(3, 4)).pipeThrough(new LimitedBytesTransformStream(3));
  assertEquals(await Array.fromAsync(cut), [bytes(1, 2)]);
  const strict = new LimitedBytesTransformStream(3, { error: true });
  await assertRejects(
    () => Array.fromAsync(from(bytes(1, 2), bytes(3, 4)).pipeThrough(strict)),
    RangeError,
    "Exceeded byte size limit of '3'",
  );
});

Deno.test("LimitedTransformStream counts chunks", async () => {
  const cut = from(1, 2, 3).pipeThrough(new LimitedTransformStream<number>(2));
  assertEquals(await Array.fromAsync(cut), [1, 2]);
  const strict = new LimitedTransformStream<number>(2, { error: true });
  await assertRejects(
    () => Array.fromAsync(from(1, 2, 3).pipeThrough(strict)),
    RangeError,
    "Exceeded chunk limit of '2'",
  );
});

Deno.test("ByteSliceStream cuts across chunks", async () => {
  const slice = from(bytes(0, 1), bytes(2, 3), bytes(4)).pipeThrough(new ByteSliceStream(1, 4));
  assertEquals(new Uint8Array(await toArrayBuffer(slice)), bytes(1, 2, 3));
});

Deno.test("TextLineStream knows both line ends, cut anywhere", async () => {
  const lines = from("a\r", "\nb\n\nc").pipeThrough(new TextLineStream());
  assertEquals(await Array.fromAsync(lines), ["a", "b", "", "c"]);
  const carriage = from("a\rb\r", "\nc\r").pipeThrough(new TextLineStream({ allowCR: true }));
  assertEquals(await Array.fromAsync(carriage), ["a", "b", "c"]);
});

Deno.test("TextDelimiterStream cuts, and keeps the delimiter where it is asked to", async () => {
  const cut = (disposition?: "suffix" | "prefix" | "discard") =>
    Array.fromAsync(
      from("a-", "-b--c").pipeThrough(new TextDelimiterStream("--", { disposition })),
    );
  assertEquals(await cut("discard"), ["a", "b", "c"]);
  assertEquals(await cut("suffix"), ["a--", "b--", "c"]);
  assertEquals(await cut("prefix"), ["a", "--b", "--c"]);
});

Deno.test("DelimiterStream cuts bytes", async () => {
  const cut = from(bytes(1, 0), bytes(0, 2), bytes(0, 0, 3)).pipeThrough(
    new DelimiterStream(bytes(0, 0)),
  );
  assertEquals(await Array.fromAsync(cut), [bytes(1), bytes(2), bytes(3)]);
});

Deno.test("toTransformStream makes a stream of a generator", async () => {
  const doubled = from(1, 2).pipeThrough(toTransformStream(async function* (source) {
    for await (const chunk of source as ReadableStream<number>) yield chunk * 2;
  }));
  assertEquals(await Array.fromAsync(doubled), [2, 4]);
});

Deno.test("toTransformStream passes the generator's error on", async () => {
  const broken = from(1).pipeThrough(toTransformStream(function* () {
    yield 1;
    throw new TypeError("gone");
  }));
  await assertRejects(() => Array.fromAsync(broken), TypeError, "gone");
});
