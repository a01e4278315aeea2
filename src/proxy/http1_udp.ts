/**
 * UDP over HTTP/1.1: the connection carries capsules after the 101 (RFC 9298, section 3.3), or chunks after the 200 of draft 03.
 *
 * @module
 */

import { CONNECT_UDP } from "../masque/udp_request.ts";
import type { CapsuleStream, CapsuleTransport } from "./capsule_stream.ts";
import { RELAY_BUFFER_BYTES } from "./limits.ts";
import { resetConn } from "../sockets/tcp_descriptor.ts";
import { closeQuietly, writeAll } from "./pump.ts";
import type { Refusal } from "./refusal.ts";
import type { UdpAsked } from "./udp_asked.ts";
import { admitUdp, type UdpOptions } from "./udp_tunnel.ts";

const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n" +
  `upgrade: ${CONNECT_UDP}\r\ncapsule-protocol: ?1\r\n`;

const ESTABLISHED = "HTTP/1.1 200 Connection established\r\n";

/** Carries one tunnel to its end, or returns the refusal to give. `early` came behind the head of the request. Never rejects. */
export async function serveUdp(
  conn: Deno.Conn,
  asked: UdpAsked,
  early: Uint8Array<ArrayBuffer>,
  options: UdpOptions,
): Promise<Refusal | undefined> {
  const tunnel = await admitUdp(asked, overConn(conn), options);
  if ("status" in tunnel) return tunnel;
  try {
    let head = asked.isDraft03 ? ESTABLISHED : SWITCHING;
    for (const [name, value] of tunnel.fields) head += `${name}: ${value}\r\n`;
    await writeAll(conn, new TextEncoder().encode(`${head}\r\n`));
    tunnel.start();
    tunnel.stream.take(early);
    await readInto(tunnel.stream, conn);
  } catch {
    tunnel.stream.break(); // the client broke off, or left before the answer
  } finally {
    tunnel.stream.break(); // an end that waits for a write goes with the connection
    await tunnel.close();
  }
}

async function readInto(stream: CapsuleStream, conn: Deno.Conn): Promise<void> {
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
    reset: () => resetConn(conn),
  };
}
