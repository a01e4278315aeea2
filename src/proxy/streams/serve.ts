/**
 * One request on a stream of HTTP/2 or HTTP/3 (RFC 9113, section 8.5; RFC 9114, section 4.4; RFC 8441; RFC 9220): its tunnel carried to its end, or
 * its refusal.
 *
 * @module
 */

import type { Duplex } from "node:stream";
import type { Field } from "../../masque/fields/field.ts";
import type { RequestHead } from "../../masque/fields/message.ts";
import { POST_ANSWER_FIELDS } from "../../masque/tcp_request.ts";
import { CAPSULE_PROTOCOL } from "../../masque/templated.ts";
import { askedByHead } from "../asked/asked.ts";
import type { TcpAsked } from "../asked/tcp_asked.ts";
import type { UdpAsked } from "../asked/udp_asked.ts";
import type { Gate } from "../gate.ts";
import type { ProxyLimits } from "../limits.ts";
import { asOrigin, type Refusal, refusalMessage } from "../refusal.ts";
import type { CapsuleTransport } from "../relay/capsule_stream.ts";
import { duplexPipe } from "../relay/duplex_pipe.ts";
import { relayDuplex } from "../relay/duplex_relay.ts";
import { closeQuietly } from "../relay/pump.ts";
import { serveTcp } from "../relay/tcp_relay.ts";
import { admitUdp } from "../relay/udp_tunnel.ts";

/** What serving a connection takes. */
export interface StreamOptions {
  readonly gate: Gate;
  readonly limits: ProxyLimits;
  /** The client's address, to count by. */
  readonly client: string;
  /** The address at which the client reached us. */
  readonly local: string;
  /** Where else the proxy is (RFC 7838), which the answer to a CONNECT says. */
  readonly altSvc?: string;
}

/** A stream whose request head was read. */
export interface RequestStream {
  /** The bytes behind the head, in both directions. */
  readonly duplex: Duplex;
  /** Sends a head. */
  sendHead(fields: Iterable<Field>): void;
  /** Breaks both directions off. */
  breakOff(reason: string): void;
  /** Nothing more is read, and that is no fault. */
  stopReading(): void;
  /** Sends an HTTP Datagram beside the stream, where there is such a way; see `CapsuleTransport`. */
  sendDatagram?: CapsuleTransport["datagram"];
  /** Hands over those that come so. */
  receiveDatagrams?(take: (datagram: Uint8Array<ArrayBuffer>) => void): void;
}

interface Asking extends StreamOptions {
  readonly head: RequestHead;
  /** What the client shows to a proxy; the tunnels that are asked for as from an origin may have the other. */
  readonly authorization: string | undefined;
  readonly ofOrigin: string | undefined;
  /** By POST, as `fetch` can ask. */
  readonly isPost: boolean;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/** Serves one request. Settles when nothing of it is left; never rejects. */
export async function serveRequest(
  stream: RequestStream,
  head: RequestHead,
  options: StreamOptions,
): Promise<void> {
  const { fields } = head;
  const gone = new AbortController();
  stream.duplex.once("close", () => gone.abort());
  const authorization = fields.get("proxy-authorization");
  const refusal = await carry(stream, {
    ...options,
    head,
    authorization,
    ofOrigin: fields.get("authorization") ?? authorization,
    isPost: head.method === "POST",
    signal: gone.signal,
  });
  if (refusal !== undefined) await refuse(stream, refusal);
}

/** Carries one tunnel to its end, or returns the refusal to give. */
async function carry(stream: RequestStream, options: Asking): Promise<Refusal | undefined> {
  const bind = options.head.fields.get("connect-udp-bind");
  const asked = askedByHead({ ...options.head, bind });
  if (typeof asked === "string") return await carryBytes(stream, asked, options);
  if ("status" in asked) return asked;
  return asked.protocol === "tcp"
    ? await carryTcp(stream, asked.asked, options)
    : await carryUdp(stream, asked.asked, options);
}

async function carryBytes(
  stream: RequestStream,
  authority: string,
  { gate, authorization, client, signal, altSvc }: Asking,
): Promise<Refusal | undefined> {
  const admission = await gate.admit({ authority, authorization, client, signal });
  if (!admission.ok) return admission.refusal;
  const { origin, release } = admission;
  try {
    const further: Field[] = altSvc ? [["alt-svc", altSvc]] : [];
    if (!stream.duplex.destroyed) stream.sendHead([[":status", "200"], ...further]);
    await relayDuplex(stream.duplex, origin);
  } finally {
    closeQuietly(origin);
    release();
  }
}

/** The same in capsules. */
async function carryTcp(
  stream: RequestStream,
  asked: TcpAsked,
  options: Asking,
): Promise<Refusal | undefined> {
  const { duplex } = stream;
  const pipe = duplexPipe(duplex, {
    isBroken: () => duplex.destroyed && !duplex.readableEnded,
    close: () => duplex.destroy(),
    reset: () => stream.breakOff("the tunnel broke off"),
  });
  const all = { ...options, ...asked, authorization: options.ofOrigin };
  const head = granted(options, []);
  const refusal = await serveTcp(pipe, all, () => Promise.resolve(stream.sendHead(head)));
  return refusal && asOrigin(refusal);
}

/** The same for datagrams. */
async function carryUdp(
  stream: RequestStream,
  asked: UdpAsked,
  options: Asking,
): Promise<Refusal | undefined> {
  const { isPost, authorization, ofOrigin } = options;
  const shown = { ...options, authorization: isPost ? ofOrigin : authorization };
  const tunnel = await admitUdp(asked, overStream(stream), shown);
  if ("status" in tunnel) return isPost ? asOrigin(tunnel) : tunnel;
  const { duplex } = stream;
  if (!duplex.destroyed) {
    stream.sendHead(granted(options, tunnel.fields));
    tunnel.start();
    stream.receiveDatagrams?.((datagram) => tunnel.stream.takeDatagram(datagram));
    duplex.on("data", (bytes: Uint8Array<ArrayBuffer>) => {
      tunnel.stream.take(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
    });
    duplex.on("end", () => tunnel.stream.takeEnd());
    duplex.on("close", () => tunnel.stream.break());
    await tunnel.closed;
  }
  await tunnel.close();
}

/** The head of the answer that opens a tunnel in capsules. */
function granted({ isPost }: Asking, further: Iterable<Field>): Field[] {
  const own = isPost ? POST_ANSWER_FIELDS : [CAPSULE_PROTOCOL];
  return [[":status", "200"], ...lowerCase(own), ...lowerCase(further)];
}

function lowerCase(fields: Iterable<Field>): Field[] {
  return [...fields].map(([name, value]) => [name.toLowerCase(), value]);
}

function overStream(stream: RequestStream): CapsuleTransport {
  const { duplex } = stream;
  return {
    write: (bytes, done) => void duplex.write(bytes, () => done()),
    end: () => void duplex.end(),
    reset: () => stream.breakOff("the tunnel broke off"),
    datagram: (context, payload, prefix) =>
      stream.sendDatagram?.(context, payload, prefix) ?? false,
  };
}

/** Answers and reads no more, so that bytes that were meant for the origin are nobody's. Settles when the answer has left. */
async function refuse(stream: RequestStream, refusal: Refusal): Promise<void> {
  const { duplex } = stream;
  if (duplex.destroyed) return;
  const { fields, body } = refusalMessage(refusal);
  stream.sendHead([[":status", String(refusal.status)], ...lowerCase(fields)]);
  const over = new Promise<void>((resolve) => duplex.once("close", () => resolve()));
  stream.stopReading();
  duplex.end(body);
  await over;
}
