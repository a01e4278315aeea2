/**
 * CONNECT and CONNECT-UDP over HTTP/3 (RFC 9114, section 4.4; RFC 9220; RFC 9298).
 *
 * @module
 */

import { H3Connection } from "../../http3/connection.ts";
import type { H3Stream, TakeHead } from "../../http3/stream.ts";
import { ERROR } from "../../masque/h3/codes.ts";
import type { Field } from "../../masque/h3/field_section.ts";
import { type H3Request, readRequest } from "../../masque/h3/message.ts";
import { CAPSULE_PROTOCOL } from "../../masque/udp_request.ts";
import { askedByHead } from "../asked/asked.ts";
import type { CapsuleTransport } from "../relay/capsule_stream.ts";
import { duplexPipe } from "../relay/duplex_pipe.ts";
import { relayDuplex } from "../relay/duplex_relay.ts";
import type { Gate } from "../gate.ts";
import type { ProxyLimits } from "../limits.ts";
import { closeQuietly } from "../relay/pump.ts";
import { asOrigin, notATunnel, type Refusal, refusalMessage } from "../refusal.ts";
import type { TcpAsked } from "../asked/tcp_asked.ts";
import { serveTcp } from "../relay/tcp_relay.ts";
import type { UdpAsked } from "../asked/udp_asked.ts";
import { admitUdp } from "../relay/udp_tunnel.ts";

/** What serving one connection takes. */
export interface Http3Options {
  readonly gate: Gate;
  readonly limits: ProxyLimits;
  /** The client's address, to count by. */
  readonly client: string;
  /** The address at which the client reached us. */
  readonly local: string;
}

/** A connection that is served. */
export interface Http3Connection {
  /** Settles when it has ended and nothing of its streams is left, no socket either. */
  readonly closed: Promise<void>;
  /** Ends it, and breaks off what is open. */
  close(): void;
}

/** Serves HTTP/3 on a connection whose handshake is done. */
export function serveHttp3(conn: Deno.QuicConn, options: Http3Options): Http3Connection {
  const { limits } = options;
  const served = new Set<Promise<void>>();
  let nextId = 0;
  let idle: ReturnType<typeof setTimeout>;
  const watch = () => {
    idle = setTimeout(() => {
      connection.sendGoaway(nextId);
      connection.close();
    }, limits.idleTimeoutMs);
  };
  const connection: H3Connection = new H3Connection(conn, {
    side: "server",
    maxHeadBytes: limits.headBytes,
    connectProtocol: true,
    onHeld: () => connection.sendGoaway(nextId),
    onRequest(open) {
      clearTimeout(idle);
      const serving = serveStream(open, options, (id) => nextId = Math.max(nextId, id + 4))
        .finally(() => {
          served.delete(serving);
          if (served.size === 0 && !connection.isOver) watch();
        });
      served.add(serving);
    },
  });
  watch();
  const closed = connection.closed.then(async () => {
    clearTimeout(idle);
    await Promise.allSettled(served);
  });
  return { closed, close: () => connection.close() };
}

async function serveStream(
  open: (takeHead: TakeHead) => H3Stream,
  options: Http3Options,
  opened: (id: number) => void,
): Promise<void> {
  let request: H3Request | undefined;
  const stream = open((fields) => {
    const read = readRequest(fields);
    if ("code" in read) return read;
    request = read;
    return read.method === "CONNECT" ? "tunnel" : "content";
  });
  opened(stream.id);
  const timer = setTimeout(() => stream.breakOff("no head came"), options.limits.headTimeoutMs);
  try {
    await stream.head;
  } catch {
    return; // broken off, or not to be understood
  } finally {
    clearTimeout(timer);
  }
  const { method, protocol, authority, path, fields } = request!;
  const bind = fields.get("connect-udp-bind");
  const asked = method === "POST" // by `fetch`, and no `fetch` speaks HTTP/3 to send it
    ? notATunnel(method, path ?? "")
    : askedByHead({ method, protocol, authority, path, bind });
  const gone = new AbortController();
  stream.duplex.once("close", () => gone.abort());
  const authorization = fields.get("proxy-authorization");
  const asking = { ...options, authorization, signal: gone.signal };
  const refusal = typeof asked === "string"
    ? await carry(stream, asked, asking)
    : "status" in asked
    ? asked
    : asked.protocol === "tcp"
    ? await carryTcp(stream, asked.asked, fields.get("authorization"), asking)
    : await carryUdp(stream, asked.asked, asking);
  if (refusal !== undefined) await refuse(stream, refusal);
}

interface Asking extends Http3Options {
  readonly authorization: string | undefined;
  readonly signal: AbortSignal;
}

/** Carries one tunnel to its end, or returns the refusal to give. */
async function carry(
  stream: H3Stream,
  authority: string,
  { gate, authorization, client, signal }: Asking,
): Promise<Refusal | undefined> {
  const admission = await gate.admit({ authority, authorization, client, signal });
  if (!admission.ok) return admission.refusal;
  const { origin, release } = admission;
  try {
    if (!stream.duplex.destroyed) stream.sendHead([[":status", "200"]]);
    await relayDuplex(stream.duplex, origin);
  } finally {
    closeQuietly(origin);
    release();
  }
}

/** The same in capsules. */
async function carryTcp(
  stream: H3Stream,
  asked: TcpAsked,
  ofOrigin: string | undefined,
  options: Asking,
): Promise<Refusal | undefined> {
  const { duplex } = stream;
  const pipe = duplexPipe(duplex, {
    isBroken: () => duplex.destroyed && !duplex.readableEnded,
    close: () => duplex.destroy(),
    reset: () => stream.breakOff("the tunnel broke off"),
  });
  const all = { ...options, ...asked, authorization: ofOrigin ?? options.authorization };
  const head: Field[] = [[":status", "200"], CAPSULE_PROTOCOL];
  const refusal = await serveTcp(pipe, all, () => Promise.resolve(stream.sendHead(head)));
  return refusal && asOrigin(refusal);
}

/** The same for datagrams. */
async function carryUdp(
  stream: H3Stream,
  asked: UdpAsked,
  options: Asking,
): Promise<Refusal | undefined> {
  const tunnel = await admitUdp(asked, overStream(stream), options);
  if ("status" in tunnel) return tunnel;
  const { duplex } = stream;
  if (!duplex.destroyed) {
    stream.sendHead([[":status", "200"], CAPSULE_PROTOCOL, ...tunnel.fields]);
    tunnel.start();
    stream.receiveDatagrams((datagram) => tunnel.stream.takeDatagram(datagram));
    duplex.on("data", (bytes: Uint8Array<ArrayBuffer>) => {
      tunnel.stream.take(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
    });
    duplex.on("end", () => tunnel.stream.takeEnd());
    duplex.on("close", () => tunnel.stream.break());
    await tunnel.closed;
  }
  await tunnel.close();
}

function overStream(stream: H3Stream): CapsuleTransport {
  const { duplex } = stream;
  return {
    write: (bytes, done) => void duplex.write(bytes, () => done()),
    end: () => void duplex.end(),
    reset: () => stream.breakOff("the tunnel broke off"),
    datagram: (context, payload, prefix) => stream.sendDatagram(context, payload, prefix),
  };
}

/** Answers and reads no more, so that bytes that were meant for the origin are nobody's. Settles when the answer has left. */
async function refuse(stream: H3Stream, refusal: Refusal): Promise<void> {
  const { duplex } = stream;
  if (duplex.destroyed) return;
  const { fields, body } = refusalMessage(refusal);
  const head: Field[] = fields.map(([name, value]) => [name.toLowerCase(), value]);
  stream.sendHead([[":status", String(refusal.status)], ...head]);
  const over = new Promise<void>((resolve) => duplex.once("close", () => resolve()));
  stream.stopReading();
  duplex.end(body);
  await over;
}

/** The code of a connection that has no place here. */
export const TOO_MANY_CONNECTIONS: number = ERROR.EXCESSIVE_LOAD;
