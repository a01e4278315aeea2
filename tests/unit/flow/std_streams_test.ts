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
import { type Flow, PseudoTcp } from "../../../mod.ts";
import { Program } from "../../support/program.ts";

type Bytes = ReadableStream<Uint8Array<ArrayBuffer>>;

const encode = (text: string) => new TextEncoder().encode(text);
const text = (stream: Bytes) => stream.pipeThrough(new TextDecoderStream());

/** Both ends of a connection. */
interface OpenFlow extends AsyncDisposable {
  readonly flow: Flow;
  readonly program: Program;
}

/** Opens a connection through a stack of its own. */
async function openFlow(): Promise<OpenFlow> {
  await using stack = new AsyncDisposableStack();
  const pseudoTcp = stack.use(new PseudoTcp());
  const program = stack.use(new Program(pseudoTcp));
  const requests = pseudoTcp.flows.getReader();
  const { value: request } = await requests.read();
  requests.releaseLock();
  const flow = request!.accept();
  await program.reaches("ESTABLISHED");
  const all = stack.move();
  return { flow, program, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** What `consume` makes of a flow whose program says `words` and ends. */
async function heard<T>(words: string, consume: (readable: Bytes) => Promise<T>): Promise<T> {
  await using open = await openFlow();
  say(open.program, words);
  return await consume(open.flow.readable);
}

function say(program: Program, words: string): void {
  program.write(encode(words));
  program.closeWrite();
}

Deno.test("a flow is collected into a buffer, a blob, text and JSON", async () => {
  const buffer = await heard("abc", toArrayBuffer);
  assertEquals(new Uint8Array(buffer), encode("abc"));
  assertEquals(await (await heard("abc", toBlob)).text(), "abc");
  assertEquals(await heard("abc", toText), "abc");
  assertEquals(await heard('{"a":[1]}', toJson), { a: [1] });
});

Deno.test("a flow is cut into lines, at delimiters and at a length", async () => {
  const all = <T>(stream: ReadableStream<T>) => Array.fromAsync(stream);
  assertEquals(
    await heard("a\r\nb\nc", (flow) => all(text(flow).pipeThrough(new TextLineStream()))),
    ["a", "b", "c"],
  );
  assertEquals(
    await heard("a--b", (flow) => all(text(flow).pipeThrough(new TextDelimiterStream("--")))),
    ["a", "b"],
  );
  assertEquals(
    await heard("a\0b", (flow) => all(flow.pipeThrough(new DelimiterStream(encode("\0"))))),
    [encode("a"), encode("b")],
  );
  assertEquals(
    await heard("abcdef", (flow) => toText(flow.pipeThrough(new ByteSliceStream(1, 4)))),
    "bcd",
  );
});

Deno.test("a program that says more than a limit allows is reset", async () => {
  for (
    const limit of [
      new LimitedBytesTransformStream(2, { error: true }),
      new LimitedTransformStream<Uint8Array>(0, { error: true }),
    ]
  ) {
    await using open = await openFlow();
    open.program.write(encode("abc"));
    await assertRejects(() => toText(open.flow.readable.pipeThrough(limit)), RangeError);
    open.program.write(encode("def"));
    assertEquals(await open.program.fails(), "reset");
  }
});

Deno.test("a generator answers a flow, and the program hears it", async () => {
  await using open = await openFlow();
  const { flow, program } = open;
  const shout = toTransformStream(async function* (source: ReadableStream<string>) {
    for await (const words of source) yield words.toUpperCase();
  });
  const answering = text(flow.readable)
    .pipeThrough(shout)
    .pipeThrough(new TextEncoderStream())
    .pipeTo(flow.writable);
  say(program, "hello");
  assertEquals(await program.read(), encode("HELLO"));
  await answering;
  assertEquals((await flow.closed).reason, "finished");
});

Deno.test("two flows are merged, zipped and put one after the other", async () => {
  for (
    const [join, expected] of [
      [mergeReadableStreams, ["a", "b"]],
      [zipReadableStreams, ["a", "b"]],
      [earlyZipReadableStreams, ["a", "b"]],
      [concatReadableStreams, ["a", "b"]],
    ] as const
  ) {
    await using first = await openFlow();
    await using second = await openFlow();
    say(first.program, "a");
    say(second.program, "b");
    const joined = join(first.flow.readable, second.flow.readable);
    const words = (await toText(joined)).split("").sort();
    assertEquals(words, [...expected], join.name);
  }
});

Deno.test("a flow is written from a merged source without losing a byte", async () => {
  await using open = await openFlow();
  const { flow, program } = open;
  const source = concatReadableStreams(
    ReadableStream.from([encode("hello, "), encode("and ")]),
    ReadableStream.from([encode("good bye")]),
  );
  await source.pipeTo(flow.writable);
  assertEquals(await program.read(), encode("hello, and good bye"));
});
