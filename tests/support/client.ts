/**
 * An unmodified program: plain TCP through the kernel's sockets, and no word of PseudoTCP. It prints what it saw as JSON.
 *
 *     client.ts download HOST PORT          reads the pattern to the FIN
 *     client.ts upload HOST PORT LENGTH     sends the pattern, then FIN, then reads the answer
 *     client.ts late-upload HOST PORT LENGTH  reads to the FIN first, and sends then
 *     client.ts exchange HOST PORT LENGTH   sends and reads the pattern at the same time
 *     client.ts read HOST PORT              reads without end, and says how it ended
 *     client.ts dial HOST PORT              connects, and says what came of it
 *     client.ts hold HOST PORT COUNT        COUNT connections without a word, and how each ended
 *     client.ts many HOST PORT COUNT LENGTH   COUNT connections at once to an echo
 *
 * @module
 */

import {
  exchange,
  patternBytes,
  patternStream,
  readConnection,
  readPattern,
  writeAll,
} from "./origin.ts";

/** The kernel itself gives up after two minutes of silence: long before that the silence is the finding. */
const DIAL_TIMEOUT_MS = 20_000;

const [verb, hostname, port, ...numbers] = Deno.args;
const where = { hostname, port: Number(port) };
const [first, second] = numbers.map(Number);

const verbs: Record<string, () => Promise<unknown>> = {
  async download() {
    using connection = await Deno.connect(where);
    return { length: await readPattern(readConnection(connection)) };
  },
  async upload() {
    using connection = await Deno.connect(where);
    await sendPattern(connection, first);
    return { answer: await readText(connection) };
  },
  async "late-upload"() {
    using connection = await Deno.connect(where);
    const greeting = await readText(connection);
    await sendPattern(connection, first);
    return { greeting };
  },
  async exchange() {
    using connection = await Deno.connect(where);
    await exchange(connection, first);
    return { length: first };
  },
  async read() {
    using connection = await Deno.connect(where);
    const buffer = new Uint8Array(64 * 1024);
    await connection.read(buffer);
    console.log("flowing");
    try {
      while (await connection.read(buffer) !== null);
      return "the end: FIN";
    } catch (error) {
      return `the end: ${codeOf(error)}`;
    }
  },
  async dial() {
    const start = performance.now();
    const signal = AbortSignal.timeout(DIAL_TIMEOUT_MS);
    const outcome = await Deno.connect({ ...where, signal }).then((connection) => {
      connection.close();
      return "connected";
    }, codeOf);
    return { outcome, ms: Math.round(performance.now() - start) };
  },
  async hold() {
    const connections = await Promise.all(
      Array.from({ length: first }, () => Deno.connect(where)),
    );
    console.log("open");
    const ends: Record<string, number> = {};
    await Promise.all(connections.map(async (connection) => {
      const end = await connection.read(new Uint8Array(1)).then(() => "FIN", codeOf);
      ends[end] = (ends[end] ?? 0) + 1;
      connection.close();
    }));
    return ends;
  },
  async many() {
    const connections = await Promise.all(
      Array.from({ length: first }, () => Deno.connect(where)), // all open before the first byte
    );
    const echoed = await Promise.all(connections.map(echo));
    return { connections: connections.length, bytes: echoed.reduce((sum, n) => sum + n, 0) };
  },
};

if (import.meta.main) console.log(JSON.stringify(await verbs[verb]()));

/** Such as `ECONNREFUSED`. */
function codeOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name: string };
  return typeof code === "string" ? code : name;
}

async function echo(connection: Deno.TcpConn, index: number): Promise<number> {
  const sent = patternBytes(index * 1_000, second); // no two connections say the same
  const back: Uint8Array[] = [];
  await Promise.all([
    writeAll(connection, sent).then(() => connection.closeWrite()),
    (async () => {
      for await (const chunk of readConnection(connection)) back.push(chunk);
    })(),
  ]);
  connection.close();
  const got = new Uint8Array(await new Blob(back as BlobPart[]).arrayBuffer());
  const wrong = got.findIndex((byte, at) => byte !== sent[at]);
  if (got.length !== sent.length || wrong >= 0) {
    throw new Error(
      `Connection ${index} got ${got.length} bytes back, the first wrong at ${wrong}`,
    );
  }
  return got.length;
}

async function sendPattern(connection: Deno.TcpConn, length: number): Promise<void> {
  for await (const chunk of patternStream(length)) await writeAll(connection, chunk);
  await connection.closeWrite();
}

async function readText(connection: Deno.TcpConn): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of readConnection(connection)) text += decoder.decode(chunk);
  return text;
}
