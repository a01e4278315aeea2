/**
 * What can be held idle, from a promise to a whole flow: each layer is one more part of the road.
 *
 * @module
 */

import * as net from "node:net";
import { connectProxy, MemoryClient, memoryDevice, PseudoTcp, run } from "../../../mod.ts";
import type {
  ByteEnd,
  ByteListener,
  ConnectOptions,
  ProxyClient,
  Target,
  TcpFlow,
} from "../../../mod.ts";
import { Stack } from "../../../src/stack/stack.ts";
import { openInCore, openMany } from "./programs.ts";

/** Where a layer leads to. */
export interface Far {
  /** A server that sends back what it gets. */
  readonly hostname: string;
  readonly port: number;
  /** A proxy that leads there, and the SHA-256 of its certificate. */
  readonly proxy?: string;
  readonly pin?: string;
}

/** Opens `count` more of what a layer is about. They stay until the process ends. */
export type Opener = (count: number) => Promise<void>;

/** One layer. */
export interface Layer {
  readonly words: string;
  /** The HTTP of the proxy that it needs, and whether with TLS. */
  readonly http?: "1.1" | "2" | "3";
  readonly tls?: boolean;
  /** Makes what all of them share. */
  prepare(far: Far): Promise<Opener>;
}

/** What would be collected otherwise. */
const kept: unknown[] = [];

/** The layers by name, in the order in which they are told. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  promise: layer("a promise that nobody settles, and one who awaits it", async (i) => {
    await Promise.resolve(i);
    const waiter = Promise.withResolvers<number>();
    kept.push(waiter);
    void (async () => await waiter.promise)();
  }),
  streams: layer("a ReadableStream with a pending read, and a WritableStream with a writer", () => {
    const readable = new ReadableStream<number>({
      pull: () => new Promise<void>((resolve) => kept.push(resolve)),
    }, { highWaterMark: 0 });
    const writable = new WritableStream<number>({ write() {} });
    const reader = readable.getReader();
    void reader.read();
    kept.push(reader, writable.getWriter());
  }),
  pipes: layer("two such pairs, piped into each other", () => {
    const pair = () => {
      const readable = new ReadableStream<number>({
        pull: () => new Promise<void>((resolve) => kept.push(resolve)),
      }, { highWaterMark: 0 });
      return { readable, writable: new WritableStream<number>({ write() {} }) };
    };
    const [a, b] = [pair(), pair()];
    void a.readable.pipeTo(b.writable);
    void b.readable.pipeTo(a.writable);
  }),
  "deno-socket": layer("Deno.connect, with a read of 64 bytes pending", async (_, far) => {
    const conn = await Deno.connect(far);
    const buffer = new Uint8Array(64);
    await conn.write(buffer);
    await conn.read(buffer);
    void conn.read(buffer);
    kept.push(conn);
  }),
  "deno-socket-streams": layer("the same by conn.readable and conn.writable", async (_, far) => {
    const conn = await Deno.connect(far);
    const [reader, writer] = [conn.readable.getReader(), conn.writable.getWriter()];
    await writer.write(new Uint8Array(64));
    await reader.read();
    void reader.read();
    kept.push(conn, reader, writer);
  }),
  "node-socket": layer("net.connect, with a listener for data", async (_, far) => {
    const socket = net.connect({ host: far.hostname, port: far.port });
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.on("data", () => resolve());
    socket.write(new Uint8Array(64));
    await promise;
    kept.push(socket);
  }),
  core: {
    words: "a TCP endpoint and its places in the tables",
    prepare() {
      const stack = new Stack({ mtu: 1500, offload: true, secret: new Uint8Array(16) });
      kept.push(stack);
      return Promise.resolve(numbered((first, count) => {
        for (let i = first; i < first + count; i++) openInCore(stack, i);
        return Promise.resolve();
      }));
    },
  },
  flow: {
    words: "and a flow whose bytes somebody waits for",
    prepare: () => Promise.resolve(accepting((flow) => flow.bytes!.listen(new Echo(flow.bytes!)))),
  },
  "flow-streams": {
    words: "the same by its Web Streams, one reading and one with a writer",
    prepare: () =>
      Promise.resolve(accepting(async (flow) => {
        const [reader, writer] = [flow.readable.getReader(), flow.writable.getWriter()];
        for (let found; !(found = await reader.read()).done;) await writer.write(found.value);
      })),
  },
  relay: {
    words: "the relay, and a tunnel in memory that echoes",
    prepare: (far) => Promise.resolve(through(new MemoryClient(() => "echo"), far)),
  },
  h1: tunnel("1.1", false),
  "h1-tls": tunnel("1.1", true),
  h2: tunnel("2", false),
  "h2-tls": tunnel("2", true),
  h3: tunnel("3", true),
};

function layer(words: string, open: (i: number, far: Far) => Promise<void> | void): Layer {
  return {
    words,
    prepare: (far) =>
      Promise.resolve(async (count) => {
        for (let i = 0; i < count; i++) await open(i, far);
      }),
  };
}

function tunnel(http: "1.1" | "2" | "3", tls: boolean): Layer {
  return {
    words: `the relay, and a tunnel over HTTP/${http}${tls ? " and TLS" : " in the clear"}`,
    http,
    tls,
    async prepare(far) {
      return through(await connectProxy(far.proxy!, { http, pin: far.pin }), far);
    },
  };
}

/** Sends back what comes. */
class Echo implements ByteListener {
  readonly #bytes: ByteEnd<unknown>;

  constructor(bytes: ByteEnd<unknown>) {
    this.#bytes = bytes;
    this.onReadable();
  }

  onReadable(): void {
    for (let found; (found = this.#bytes.read()) instanceof Uint8Array;) this.#bytes.write(found);
  }

  onWritable(): void {}

  onBroken(): void {}

  onClosed(): void {}
}

/** Flows from a device in memory, each in the hands of `take`. */
function accepting(take: (flow: TcpFlow) => unknown): Opener {
  const { device, far } = memoryDevice();
  const stack = new PseudoTcp();
  kept.push(stack);
  void stack.attach(device);
  void (async () => {
    for await (const request of stack.flows) {
      if (request.protocol === "tcp") void take(request.accept());
    }
  })();
  return numbered((first, count) => openMany(far, first, count));
}

/** Flows from a device in memory through `proxy`. */
function through(proxy: ProxyClient, far: Far): Opener {
  const { device, far: end } = memoryDevice();
  // No packet may go to loopback, where the server is.
  const led = Object.assign(Object.create(proxy), {
    connect: (_: Target, options: ConnectOptions) => proxy.connect(far, options),
  });
  kept.push(run(device, led));
  return numbered((first, count) => openMany(end, first, count));
}

function numbered(open: (first: number, count: number) => Promise<void>): Opener {
  let first = 0;
  return async (count) => {
    await open(first, count);
    first += count;
  };
}
