import { assert, assertEquals, assertRejects } from "@std/assert";
import * as net from "node:net";
import type { Duplex } from "node:stream";
import { connCarrier } from "../../../src/http2/conn_carrier.ts";
import { H2Connection, type H2ConnectionOptions } from "../../../src/http2/connection.ts";
import { socketCarrier } from "../../../src/http2/socket_carrier.ts";
import { type H2Stream, StreamBroken } from "../../../src/http2/stream.ts";
import { ERROR } from "../../../src/masque/h2/codes.ts";
import { DEFAULT_SETTINGS } from "../../../src/masque/h2/settings.ts";
import { patternBytes, readPattern } from "../../support/origin.ts";

const BASE = { windowBytes: 1 << 20, maxHeadBytes: 10_000 } as const;
const SETTINGS = { ...DEFAULT_SETTINGS, initialWindowBytes: 200_000, maxFrameBytes: 65_536 };

interface Pair extends AsyncDisposable {
  readonly client: H2Connection;
  readonly server: Promise<H2Connection>;
}

/** Both ends over a socket of loopback; `serve` gets each request once it was answered with 200. */
async function pair(
  serve: (stream: H2Stream) => unknown,
  options: Partial<H2ConnectionOptions> = {},
): Promise<Pair> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const server = listener.accept().then((conn) =>
    new H2Connection(connCarrier(conn, new Uint8Array(0)), {
      ...BASE,
      side: "server",
      settings: { ...SETTINGS, connectProtocol: true },
      onRequest: (open) => {
        const stream = open(() => "tunnel");
        void stream.answered.then(() => {
          stream.sendHead([[":status", "200"]]);
          serve(stream);
        });
      },
    })
  );
  const socket = net.connect((listener.addr as Deno.NetAddr).port, "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  const client = new H2Connection(socketCarrier(socket), {
    ...BASE,
    side: "client",
    settings: SETTINGS,
    ...options,
  });
  return {
    client,
    server,
    async [Symbol.asyncDispose]() {
      client.close();
      await Promise.all([client.closed, (await server).closed]);
      listener.close();
    },
  };
}

function ask(client: H2Connection): H2Stream {
  return client.open([[":method", "CONNECT"], [":authority", "a:1"]], () => "tunnel")!;
}

const bytesOf = (duplex: Duplex): AsyncIterable<Uint8Array> =>
  duplex.iterator({ destroyOnReturn: false });

/** Writes so much of the pattern in uneven chunks, and ends. */
async function sendPattern(duplex: Duplex, length: number): Promise<void> {
  for (let at = 0; at < length;) {
    const chunk = patternBytes(at, Math.min(length - at, 1 + (at * 7) % 70_000));
    at += chunk.length;
    if (!duplex.write(chunk)) await new Promise((resolve) => duplex.once("drain", resolve));
  }
  duplex.end();
}

Deno.test("megabytes go both ways at once on several streams, byte for byte", async () => {
  const counts: Promise<number>[] = [];
  await using both = await pair(({ duplex }) => {
    counts.push(readPattern(bytesOf(duplex)));
    void sendPattern(duplex, 3_000_000);
  });
  const flows = Array.from({ length: 4 }, async () => {
    const { duplex } = ask(both.client);
    const [received] = await Promise.all([
      readPattern(bytesOf(duplex)),
      sendPattern(duplex, 2_000_000),
    ]);
    return received;
  });
  assertEquals(await Promise.all(flows), flows.map(() => 3_000_000));
  assertEquals(await Promise.all(counts), flows.map(() => 2_000_000));
});

Deno.test("a stream that nobody reads holds its window, and the others go on", async () => {
  let sent = 0;
  await using both = await pair(async ({ duplex }) => {
    for (let i = 0; i < 100 && !duplex.destroyed; i++) {
      if (!duplex.write(new Uint8Array(50_000), () => sent += 50_000)) {
        await new Promise((resolve) => duplex.once("drain", resolve).once("close", resolve));
      }
    }
    duplex.end();
  });
  const stalled = ask(both.client);
  await stalled.answered;
  const lively = ask(both.client);
  let received = 0;
  for await (const chunk of bytesOf(lively.duplex)) received += chunk.length;
  assertEquals(received, 5_000_000);
  assert(sent < 5_700_000, `${sent} bytes left`);
  stalled.duplex.destroy();
  lively.duplex.end();
});

Deno.test("a stream that is broken off breaks at the other end, with its code and no end before", async () => {
  const broken = Promise.withResolvers<[Error, boolean]>();
  await using both = await pair(({ duplex }) => {
    duplex.on("error", (error) => broken.resolve([error, duplex.readableEnded]));
    duplex.resume();
  });
  const stream = ask(both.client);
  await stream.answered;
  stream.duplex.write(new Uint8Array(10));
  stream.breakOff("the test wants so");
  const [error, hasEnded] = await broken.promise;
  assert(error instanceof StreamBroken);
  assertEquals([error.code, hasEnded], [ERROR.CANCEL, false]);
});

Deno.test("a server that breaks off says CONNECT_ERROR", async () => {
  await using both = await pair(({ duplex }) => void duplex.destroy());
  const { duplex } = ask(both.client);
  const error = await assertRejects(async () => {
    for await (const _chunk of bytesOf(duplex));
  }, StreamBroken);
  assertEquals(error.code, ERROR.CONNECT_ERROR);
});

Deno.test("bytes that came before a reset are read before it breaks", async () => {
  await using both = await pair((stream) => {
    stream.duplex.write(patternBytes(0, 1_000), () => stream.breakOff("the test wants so"));
  });
  const { duplex } = ask(both.client);
  let received = 0;
  duplex.on("data", (bytes: Uint8Array) => received += bytes.length);
  const error = await new Promise((resolve) => duplex.once("error", resolve));
  assert(error instanceof StreamBroken);
  assertEquals(received, 1_000);
});

Deno.test("an answer without interest in the rest of the request is whole", async () => {
  await using both = await pair((stream) => {
    stream.stopReading();
    stream.duplex.end(patternBytes(0, 1_000));
  });
  const { duplex } = both.client.open([[":method", "POST"]], () => "content")!;
  duplex.write(new Uint8Array(100_000));
  assertEquals(await readPattern(bytesOf(duplex)), 1_000);
  await new Promise((resolve) => duplex.destroyed ? resolve(0) : duplex.once("close", resolve));
});

for (const hasMore of [false, true]) {
  const end = hasMore
    ? "breaks for who has more to say"
    : "ends in order with who has no more to say";
  Deno.test(`a tunnel whose peer has ended and takes no more ${end}`, async () => {
    await using both = await pair((stream) => {
      stream.duplex.end(patternBytes(0, 1_000));
      stream.stopReading();
    });
    const stream = ask(both.client);
    const { duplex } = stream;
    const refused = new Promise<number>((resolve) => {
      const broken = stream.broken.bind(stream);
      stream.broken = (code, reason) => (broken(code, reason), resolve(code));
    });
    assertEquals(await readPattern(bytesOf(duplex)), 1_000);
    assertEquals(await refused, ERROR.NO_ERROR);
    const failed = new Promise<Error | undefined>((resolve) => {
      duplex.once("error", resolve).once("close", () => resolve(undefined));
    });
    if (hasMore) duplex.write(new Uint8Array(1));
    else duplex.end();
    assertEquals(await failed instanceof StreamBroken, hasMore);
  });
}

Deno.test("a connection that ends breaks its streams, and says why", async () => {
  const both = await pair(() => {});
  const stream = ask(both.client);
  await stream.answered;
  const server = await both.server;
  const broken = new Promise<Error>((resolve) => stream.duplex.once("error", resolve));
  server.close();
  assert(await broken instanceof StreamBroken);
  assert(/^(it|the) /.test(await both.client.closed));
  assertEquals(both.client.open([[":method", "CONNECT"]], () => "tunnel"), undefined);
  await both[Symbol.asyncDispose]();
});

Deno.test("what is broken before its head rejects whoever waits for it", async () => {
  await using both = await pair(() => {});
  const stream = ask(both.client);
  stream.breakOff("the test wants so");
  await assertRejects(() => stream.answered, StreamBroken, "the test wants so");
});

Deno.test("settings and GOAWAY are told to whoever holds the connection", async () => {
  const settings = Promise.withResolvers<boolean>();
  const goaway = Promise.withResolvers<number>();
  await using both = await pair(({ duplex }) => void duplex.end(), {
    onSettings: ({ connectProtocol }) => settings.resolve(connectProtocol),
    onGoaway: ({ lastStreamId }) => goaway.resolve(lastStreamId),
  });
  assertEquals(await settings.promise, true);
  const { duplex } = ask(both.client);
  duplex.resume();
  await new Promise((resolve) => duplex.once("end", resolve));
  (await both.server).sendGoaway();
  assertEquals(await goaway.promise, 1);
  duplex.end();
  await new Promise((resolve) => duplex.once("close", resolve));
});

Deno.test("the end of the connection breaks also what has only our end to come", async () => {
  await using both = await pair((stream) => {
    stream.stopReading();
    stream.duplex.end(patternBytes(0, 1_000));
  });
  const { duplex } = ask(both.client);
  assertEquals(await readPattern(bytesOf(duplex)), 1_000);
  // A round trip, behind which the reset has come.
  await ask(both.client).answered;
  assertEquals(duplex.destroyed, false);
  const broken = new Promise((resolve) => duplex.once("error", resolve));
  both.client.close();
  assert(await broken instanceof StreamBroken);
});
