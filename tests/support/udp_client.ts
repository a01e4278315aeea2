/**
 * An unmodified program that speaks UDP through the kernel's sockets, and to which nobody says a word of PseudoTCP. It prints what it saw as JSON.
 *
 *     udp_client.ts echo HOST PORT LENGTH...     sends a datagram of each length and compares what comes back
 *     udp_client.ts many HOST PORT COUNT         COUNT sockets, all open until the last has its answer
 *     udp_client.ts refused HOST PORT            sends through a connected socket until the kernel says that it was refused
 *     udp_client.ts twice HOST PORT SECONDS      says hello, is silent for so long, and says it again through the same socket
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { openUdpSocket } from "../../src/sockets/open.ts";
import { parseIp } from "../../src/wire/address.ts";
import { patternBytes } from "./origin.ts";

/** UDP may lose: a question is asked again after this, a few times. */
const ASK_AGAIN_MS = 1000;
const MAX_TRIES = 10;
/** Questions under way at once: a TUN device holds 500 packets. */
const MAX_UNDER_WAY = 100;

const [verb, hostname, port, ...numbers] = Deno.args;
const counts = numbers.map(Number);

const verbs: Record<string, () => Promise<unknown>> = {
  async echo() {
    const socket = await open();
    const tries: number[] = [];
    for (const length of counts) tries.push(await ask(socket, patternBytes(length, length)));
    socket.close();
    return { tries };
  },
  async many() {
    const [count] = counts;
    const sockets = await Promise.all(Array.from({ length: count }, open));
    const left = sockets.entries();
    let tries = 0;
    const work = async () => {
      for (const [i, socket] of left) {
        const asked = await ask(socket, patternBytes(i, 100 + i % 1000));
        tries += asked;
      }
    };
    await Promise.all(Array.from({ length: MAX_UNDER_WAY }, work));
    for (const socket of sockets) socket.close();
    return { answered: count, tries };
  },
  async refused() {
    const failed = Promise.withResolvers<string>();
    const remote = { address: parseIp(hostname)!, port: Number(port) };
    // The sockets of node:dgram do not hear of ICMP errors (Deno 2.9.6).
    const events = { datagram: () => {}, batchEnd: () => {}, failed: failed.resolve };
    const socket = await openUdpSocket({ remote }, events);
    const again = setInterval(() => socket.send(Uint8Array.of(1)), 100);
    socket.send(Uint8Array.of(1));
    const code = await failed.promise;
    clearInterval(again);
    await socket.close();
    return { code };
  },
  async twice() {
    const socket = await open();
    const first = await ask(socket, patternBytes(1, 64));
    await new Promise((resolve) => setTimeout(resolve, counts[0] * 1000));
    const second = await ask(socket, patternBytes(2, 64));
    socket.close();
    return { tries: [first, second] };
  },
};

if (import.meta.main) console.log(JSON.stringify(await verbs[verb]()));

/** A connected socket. */
async function open(): Promise<Socket> {
  const socket = createSocket({ type: hostname.includes(":") ? "udp6" : "udp4" });
  socket.connect(Number(port), hostname);
  await once(socket, "connect");
  return socket;
}

/** Sends a datagram until the same comes back; gives how often. */
async function ask(socket: Socket, question: Uint8Array): Promise<number> {
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const answered = nextMessage(socket, ASK_AGAIN_MS);
    socket.send(question);
    const answer = await answered;
    if (answer === undefined) continue;
    if (Buffer.compare(answer, question) === 0) return tries;
    throw new Error(`Of ${question.length} bytes ${answer.length} came back, or others`);
  }
  throw new Error(`Nothing came back for ${question.length} bytes`);
}

function nextMessage(socket: Socket, timeoutMs: number): Promise<Uint8Array | undefined> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
  const timer = setTimeout(() => resolve(undefined), timeoutMs);
  const listener = (message: Uint8Array) => {
    clearTimeout(timer);
    resolve(message);
  };
  socket.once("message", listener);
  return promise.finally(() => socket.off("message", listener));
}
