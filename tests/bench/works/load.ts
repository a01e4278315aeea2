/**
 * Small loads for the benchmark, one process each, so that they look the same on every road.
 *
 *     load.ts serve HOST                       an echo of TCP and UDP on a free port, which it prints
 *     load.ts ask HOST PORT SECONDS            one request of 64 bytes after the other: p50 and p99 in microseconds
 *     load.ts ask-udp HOST PORT SECONDS        the same with datagrams
 *     load.ts connect HOST PORT SECONDS        connect, one request, close, again: how many a second
 *     load.ts hold HOST PORT COUNT             opens that many connections and keeps them, silent; tells what each holds here
 *     load.ts share HOST PORT SECONDS COUNT    echoes on that many at once: the least share of one, and the speed of all
 *
 * @module
 */

const REQUEST_BYTES = 64;
/** Connections under way at once in `connect`: enough to keep both cores busy. */
const CONNECTORS = 16;
/** The same while many are opened: fewer than a backlog. */
const OPENERS = 100;
/** The first byte of a request after which the server closes: so no port of a client waits in TIME-WAIT, of which there are 28,000 only. */
const LAST = 1;
/** What `share` writes at once. */
const CHUNK_BYTES = 16 * 1024;
/** What a connection may take beyond the time of the run. */
const GRACE_MS = 2_000;
/** After which a run has failed: opening many connections is part of it. */
const PATIENCE_MS = 40_000;
/** A datagram that has not come back by then is lost. */
const LOST_MS = 1_000;

const [verb, hostname, port, amount, count] = Deno.args;
const target = { hostname, port: Number(port) };
const seconds = Number(amount);

const verbs: Record<string, () => Promise<unknown>> = {
  async serve() {
    using listener = Deno.listen({ hostname, port: 0 });
    const { port } = listener.addr;
    const socket = Deno.listenDatagram({ hostname, port, transport: "udp" });
    void (async () => {
      for await (const [datagram, from] of socket) await socket.send(datagram, from);
    })();
    console.log(`serving ${port}`);
    for await (const connection of listener) void echo(connection);
  },

  async ask() {
    using connection = await Deno.connect(target);
    connection.setNoDelay(true);
    return await timed(() => request(connection));
  },

  async "ask-udp"() {
    const socket = Deno.listenDatagram({ hostname: "0.0.0.0", port: 0, transport: "udp" });
    const to = { ...target, transport: "udp" as const };
    const buffer = new Uint8Array(2048);
    let lost = 0;
    const figures = await timed(async () => {
      await socket.send(out, to);
      const late = setTimeout(() => {
        lost++;
        void socket.send(out, to);
      }, LOST_MS);
      await socket.receive(buffer);
      clearTimeout(late);
    });
    return { ...figures, lost };
  },

  async connect() {
    const until = performance.now() + seconds * 1000;
    let count = 0;
    const connector = async () => {
      while (performance.now() < until) {
        using connection = await Deno.connect(target);
        await request(connection, lastOut);
        count++;
      }
    };
    const all = Promise.all(Array.from({ length: CONNECTORS }, connector));
    await Promise.race([all, late()]);
    return { rate: count / seconds };
  },

  async hold() {
    const { rss } = Deno.memoryUsage();
    const connections = await openMany(Number(amount));
    // As whoever carries them would wait for what comes.
    for (const connection of connections) connection.read(new Uint8Array(1)).catch(() => {});
    console.log(
      `holding, ${Math.round((Deno.memoryUsage().rss - rss) / connections.length)} bytes each`,
    );
    await new Promise((resolve) => setTimeout(resolve, 2 ** 31 - 1));
    connections.forEach((connection) => connection.close());
  },

  async share() {
    const connections = await openMany(Number(count));
    const until = performance.now() + seconds * 1000;
    const bytes = new Array<number>(connections.length).fill(0);
    const all = connections.map((connection, i) => {
      return upload(connection, until, (count) => bytes[i] += count);
    });
    await Promise.race([Promise.all(all), late()]);
    const sum = bytes.reduce((sum, bytes) => sum + bytes);
    const speed = sum * 8 / seconds / 1e9;
    return { "least share": Math.min(...bytes) / (sum / bytes.length), speed };
  },
};

/** The end of the run at the latest: a connection that a road has forgotten would be waited for without end. */
function late(): Promise<void> {
  return new Promise((end) => setTimeout(end, seconds * 1000 + GRACE_MS));
}

/** Repeats `once` until the time is over, and tells how long it took. */
async function timed(once: () => Promise<void>) {
  const until = performance.now() + seconds * 1000;
  const times: number[] = [];
  while (performance.now() < until) {
    const start = performance.now();
    await once();
    times.push((performance.now() - start) * 1000);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)];
  return { p50: at(0.5), p99: at(0.99), requests: times.length };
}

async function openMany(count: number): Promise<Deno.TcpConn[]> {
  const connections: Deno.TcpConn[] = [];
  let left = count;
  const opener = async () => {
    while (left-- > 0) {
      const connection = await Deno.connect(target);
      connections.push(connection);
      await request(connection); // so that every part of the road has seen it
    }
  };
  await Promise.all(Array.from({ length: OPENERS }, opener));
  return connections;
}

/** Sends and takes back the echo until the time is over; tells of the bytes that come back. */
async function upload(
  connection: Deno.TcpConn,
  until: number,
  tell: (count: number) => void,
): Promise<void> {
  using open = connection;
  const chunk = new Uint8Array(CHUNK_BYTES);
  const back = new Uint8Array(CHUNK_BYTES);
  while (performance.now() < until) {
    const answer = takeBack(open, back);
    for (let at = 0; at < chunk.length;) at += await open.write(chunk.subarray(at));
    tell(await answer);
  }
}

async function takeBack(connection: Deno.TcpConn, into: Uint8Array): Promise<number> {
  let got = 0;
  while (got < into.length) {
    const count = await connection.read(into.subarray(got));
    if (count === null) throw new Error("The echo ended early");
    got += count;
  }
  return got;
}

async function echo(connection: Deno.TcpConn): Promise<void> {
  using open = connection;
  open.setNoDelay(true);
  const buffer = new Uint8Array(CHUNK_BYTES);
  try {
    for (let count; (count = await open.read(buffer)) !== null;) {
      for (let at = 0; at < count;) at += await open.write(buffer.subarray(at, count));
      if (buffer[0] === LAST) return;
    }
  } catch {
    // A client that breaks off is not this server's trouble.
  }
}

const out = new Uint8Array(REQUEST_BYTES);
const lastOut = new Uint8Array(REQUEST_BYTES).fill(LAST);
async function request(connection: Deno.TcpConn, bytes = out): Promise<void> {
  const back = new Uint8Array(REQUEST_BYTES);
  await connection.write(bytes);
  await takeBack(connection, back);
}

if (verb !== "serve" && verb !== "hold") {
  Deno.unrefTimer(setTimeout(() => {
    console.error(`"${verb}" did not come to an end`);
    Deno.exit(1);
  }, seconds * 1000 + PATIENCE_MS));
}
const figures = await verbs[verb]();
if (figures !== undefined) {
  console.log(JSON.stringify(figures));
  Deno.exit(0);
}
