/**
 * An unmodified program that speaks UDP through the kernel's sockets, and to which nobody says a word of PseudoTCP. It prints what it saw as JSON.
 *
 *     udp_client.ts echo HOST PORT LENGTH...     sends a datagram of each length and compares what comes back
 *     udp_client.ts many HOST PORT COUNT         COUNT sockets, all open until the last has its answer
 *     udp_client.ts refused HOST PORT            sends through a connected socket until the kernel says that it was refused
 *     udp_client.ts twice HOST PORT SECONDS      says hello, is silent for so long, and says it again through the same socket
 *     udp_client.ts mapped HOST PORT HOST PORT   asks both what they see of one socket, and then waits for somebody else on it
 *     udp_client.ts seen HOST PORT HOST PORT...  asks each, through one socket, what it sees of it
 *     udp_client.ts burst HOST PORT COUNT LENGTH COUNT datagrams in one system call (UDP_SEGMENT); says how many of them came back
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import {
  AF_INET,
  AF_INET6,
  ffiIsUsable,
  libc,
  SOCK_DGRAM_NONBLOCK_CLOEXEC,
  systemError,
} from "../../src/sockets/libc.ts";
import { openUdpSocket } from "../../src/sockets/open.ts";
import { setSockaddr, SOCKADDR_BYTES } from "../../src/sockets/sockaddr.ts";
import { parseIp } from "../../src/wire/address.ts";
import { patternBytes } from "./origin.ts";

/** UDP may lose: a question is asked again after this, a few times. */
const ASK_AGAIN_MS = 1000;
const MAX_TRIES = 10;
/** Questions under way at once: a TUN device holds 500 packets. */
const MAX_UNDER_WAY = 100;

/** linux/udp.h */
const IPPROTO_UDP = 17;
const UDP_SEGMENT = 103;

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
  async mapped() {
    const socket = createSocket({ type: hostname.includes(":") ? "udp6" : "udp4" });
    const [otherHost, otherPort] = numbers;
    const servers = [[hostname, port], [otherHost, otherPort]];
    const answers = new Map<string, string>();
    const all = Promise.withResolvers<void>();
    let heard: string | undefined;
    socket.on("message", (message: Uint8Array, { address, port }) => {
      const isServer = servers.some(([host, at]) => host === address && Number(at) === port);
      const text = new TextDecoder().decode(message);
      if (isServer) answers.set(`${address} ${port}`, text);
      else heard = `${text} from ${address}`;
      if (heard !== undefined && answers.size === servers.length) all.resolve();
    });
    const askBoth = () => {
      for (const [host, at] of servers) socket.send("who am I?", Number(at), host);
    };
    askBoth();
    const again = setInterval(askBoth, ASK_AGAIN_MS);
    await all.promise;
    clearInterval(again);
    socket.close();
    return { answers: servers.map((server) => answers.get(server.join(" "))), heard };
  },
  async seen() {
    const socket = createSocket({ type: hostname.includes(":") ? "udp6" : "udp4" });
    const places = Deno.args.slice(1);
    const answers: string[] = [];
    for (let i = 0; i < places.length; i += 2) {
      const ask = () => socket.send("who am I?", Number(places[i + 1]), places[i]);
      const again = setInterval(ask, ASK_AGAIN_MS);
      ask();
      const [message] = await once(socket, "message");
      clearInterval(again);
      answers.push(`${message}`);
    }
    socket.close();
    return { answers };
  },
  burst: () => burst(counts[0], counts[1]),
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

/** What a QUIC program does: the kernel cuts one buffer into datagrams (udp(7)). */
async function burst(count: number, length: number): Promise<unknown> {
  if (!ffiIsUsable()) throw new Error("The C library is out of reach: allow FFI");
  const c = libc();
  const remote = { address: parseIp(hostname)!, port: Number(port) };
  const family = remote.address.length === 4 ? AF_INET : AF_INET6;
  const fd = c.socket(family, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0);
  const address = new Uint8Array(SOCKADDR_BYTES);
  c.connect(fd, address, setSockaddr(address, remote));
  const size = new Uint8Array(new Int32Array([length]).buffer);
  if (c.setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, size, size.length) < 0) {
    throw systemError("segment");
  }
  const question = patternBytes(0, count * length);
  if (c.send(fd, question, question.length, 0) !== question.length) throw systemError("send");
  const seen = new Set<number>();
  const buffer = new Uint8Array(65_536);
  for (const end = Date.now() + 5000; seen.size < count && Date.now() < end;) {
    const got = c.recv(fd, buffer, buffer.length, 0);
    if (got < 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      continue;
    }
    const at = Array.from({ length: count }, (_, i) => i * length).find((at) =>
      got === length &&
      Buffer.compare(question.subarray(at, at + length), buffer.subarray(0, got)) === 0
    );
    if (at === undefined) throw new Error(`A datagram of ${got} bytes is none that was sent`);
    seen.add(at);
  }
  c.close(fd);
  return { answered: seen.size };
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
