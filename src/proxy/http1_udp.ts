/**
 * UDP over HTTP/1.1: the connection carries capsules after the 101 (RFC 9298, section 3.3), or chunks after the 200 of draft 03.
 *
 * @module
 */

import { CONNECT_UDP } from "../masque/udp_request.ts";
import type { CapsuleTransport } from "./capsule_stream.ts";
import type { Gate } from "./gate.ts";
import { type ProxyLimits, RELAY_BUFFER_BYTES } from "./limits.ts";
import { closeQuietly, writeAll } from "./pump.ts";
import type { Refusal } from "./refusal.ts";
import type { UdpAsked } from "./udp_asked.ts";
import { UdpRelay } from "./udp_relay.ts";

const head = (text: string) => new TextEncoder().encode(`${text}\r\n\r\n`);

const SWITCHING = head(
  "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n" +
    `upgrade: ${CONNECT_UDP}\r\ncapsule-protocol: ?1`,
);

const ESTABLISHED = head("HTTP/1.1 200 Connection established");

/** What a UDP tunnel takes. */
export interface UdpConnOptions {
  readonly gate: Gate;
  readonly limits: ProxyLimits;
  readonly client: string;
  readonly authorization: string | undefined;
  readonly signal: AbortSignal;
}

/** Carries one tunnel to its end, or returns the refusal to give. `early` came behind the head of the request. Never rejects. */
export async function serveUdp(
  conn: Deno.Conn,
  { authority, isDraft03 }: UdpAsked,
  early: Uint8Array<ArrayBuffer>,
  { gate, limits, client, authorization, signal }: UdpConnOptions,
): Promise<Refusal | undefined> {
  const relay = new UdpRelay(overConn(conn), limits.udpIdleTimeoutMs, isDraft03);
  const admission = await gate.admitUdp({ authority, authorization, client, signal }, relay);
  if (!admission.ok) return admission.refusal;
  const { socket, release } = admission;
  try {
    await writeAll(conn, isDraft03 ? ESTABLISHED : SWITCHING);
    relay.start(socket);
    relay.stream.take(early);
    await readInto(relay, conn);
  } catch {
    relay.stream.break(); // the client broke off, or left before the answer
  } finally {
    await socket.close();
    release();
  }
}

async function readInto({ stream }: UdpRelay, conn: Deno.Conn): Promise<void> {
  // One buffer: what is read is taken apart before more is.
  let buffer = new Uint8Array(RELAY_BUFFER_BYTES.idle);
  for (;;) {
    const count = await conn.read(buffer);
    if (count === null) break;
    stream.take(buffer.subarray(0, count));
    if (count === buffer.length && count < RELAY_BUFFER_BYTES.busy) {
      buffer = new Uint8Array(RELAY_BUFFER_BYTES.busy);
    }
  }
  stream.takeEnd();
}

function overConn(conn: Deno.Conn): CapsuleTransport {
  return {
    // A write that fails is followed by a read that fails, which ends the tunnel.
    write: (bytes, done) => void writeAll(conn, bytes).then(done, () => closeQuietly(conn)),
    end: () => void conn.closeWrite().catch(() => {}).finally(() => closeQuietly(conn)),
    reset: () => closeQuietly(conn),
  };
}
