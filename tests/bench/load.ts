/**
 * Small loads for the benchmark, one process each, so that they look the same through the device and straight.
 *
 *     load.ts serve HOST                  an echo on a free port, which it prints
 *     load.ts ask HOST PORT SECONDS       one request of 64 bytes after the other: prints p50 and p99 in microseconds
 *     load.ts connect HOST PORT SECONDS   connect, one request, close, again: prints how many a second
 *
 * @module
 */

const REQUEST_BYTES = 64;
/** Connections under way at once in `connect`: enough to keep both cores busy. */
const CONNECTORS = 16;

const [verb, hostname, port, seconds] = Deno.args;
const target = { hostname, port: Number(port) };
const until = performance.now() + Number(seconds) * 1000;

const verbs: Record<string, () => Promise<void>> = {
  async serve() {
    using listener = Deno.listen({ hostname, port: 0 });
    console.log(`serving ${listener.addr.port}`);
    for await (const connection of listener) void echo(connection);
  },

  async ask() {
    using connection = await Deno.connect(target);
    connection.setNoDelay(true);
    const times: number[] = [];
    while (performance.now() < until) {
      const start = performance.now();
      await request(connection);
      times.push((performance.now() - start) * 1000);
    }
    times.sort((a, b) => a - b);
    const at = (share: number) => times[Math.floor(times.length * share)];
    console.log(JSON.stringify({ p50: at(0.5), p99: at(0.99) }));
  },

  async connect() {
    let count = 0;
    const connector = async () => {
      while (performance.now() < until) {
        using connection = await Deno.connect(target);
        await request(connection);
        count++;
      }
    };
    await Promise.all(Array.from({ length: CONNECTORS }, connector));
    console.log(JSON.stringify({ perSecond: count / Number(seconds) }));
  },
};

async function echo(connection: Deno.TcpConn): Promise<void> {
  using open = connection;
  open.setNoDelay(true);
  const buffer = new Uint8Array(REQUEST_BYTES);
  try {
    for (let count; (count = await open.read(buffer)) !== null;) {
      await open.write(buffer.subarray(0, count));
    }
  } catch {
    // A client that breaks off is not this server's trouble.
  }
}

const out = new Uint8Array(REQUEST_BYTES);
async function request(connection: Deno.TcpConn): Promise<void> {
  const back = new Uint8Array(REQUEST_BYTES);
  await connection.write(out);
  for (let got = 0; got < REQUEST_BYTES;) {
    const count = await connection.read(back.subarray(got));
    if (count === null) throw new Error("The echo ended early");
    got += count;
  }
}

await verbs[verb]();
