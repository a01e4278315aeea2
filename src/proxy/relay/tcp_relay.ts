/**
 * A TCP tunnel in capsules, in the proxy (draft-ietf-httpbis-connect-tcp): capsules of the client here, a connection there.
 *
 * @module
 */

import {
  DATA_HEADER_BYTES,
  encodeData,
  setDataHeader,
  TcpCapsuleReader,
} from "../../masque/tcp_capsules.ts";
import type { BytePipe } from "./byte_pipe.ts";
import type { Gate, TunnelRequest } from "../gate.ts";
import { nextBufferBytes, type ProxyLimits, RELAY_BUFFER_BYTES } from "../limits.ts";
import { closeQuietly, type Origin, resetOrigin, writeAll } from "./pump.ts";
import type { Refusal } from "../refusal.ts";

/** What serving a tunnel takes. */
export interface TcpOptions extends TunnelRequest {
  readonly gate: Gate;
  readonly limits: ProxyLimits;
}

/**
 * Carries one tunnel to its end, or returns the refusal to give. `grant` sends the head of the answer, once the origin is there. Closes the
 * pipe unless it refuses; never rejects.
 */
export async function serveTcp(
  pipe: BytePipe,
  options: TcpOptions,
  grant: () => Promise<void>,
): Promise<Refusal | undefined> {
  const admission = await options.gate.admit(options);
  if (!admission.ok) return admission.refusal;
  const { origin, release } = admission;
  // A client may break off after the end of its stream, when nobody reads from it any more.
  const leave = () => resetOrigin(origin);
  options.signal.addEventListener("abort", leave);
  try {
    await grant();
    await relayCapsules(pipe, origin, options.limits.lingerTimeoutMs);
    pipe.close();
    closeQuietly(origin);
  } catch {
    // Either side broke off: neither may take what it has for the whole.
    pipe.reset();
    resetOrigin(origin);
  } finally {
    options.signal.removeEventListener("abort", leave);
    release();
  }
}

/**
 * Joins the two until both FINs have passed and the client has ended its stream, or `lingerMs` later. Rejects when either side broke off.
 * Closing them is the caller's.
 */
async function relayCapsules(client: BytePipe, origin: Origin, lingerMs: number): Promise<void> {
  const final = Promise.withResolvers<void>();
  const reading = outbound(client, origin, final.resolve);
  reading.catch((error) => {
    final.reject(error);
    resetOrigin(origin); // a client that breaks off after its FIN must not leave us waiting for the origin
  });
  await Promise.all([final.promise, inbound(origin, client)]);
  await client.end();
  // Closing over what the client still sends would reset the end of our answer away.
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, lingerMs);
  await Promise.race([reading, late]).finally(() => clearTimeout(timer));
}

/** From the client to the origin, to the end of the client's stream; `onFinal` hears of the FIN before. */
async function outbound(client: BytePipe, origin: Origin, onFinal: () => void): Promise<void> {
  const parts: Uint8Array[] = [];
  let isEnding = false;
  const capsules = new TcpCapsuleReader({
    data: (bytes) => void parts.push(bytes),
    end: () => void (isEnding = true),
  });
  for (;;) {
    const bytes = await client.read();
    const fault = bytes === null ? capsules.end() : capsules.push(bytes);
    if (fault !== undefined) throw new Error(`The client broke the tunnel off: ${fault}`);
    if (bytes === null) return;
    for (const part of parts.splice(0)) await writeAll(origin, part);
    if (!isEnding) continue;
    isEnding = false;
    await origin.closeWrite();
    onFinal();
  }
}

/** From the origin to the client, no faster than the client reads. */
async function inbound(origin: Origin, client: BytePipe): Promise<void> {
  for (let size = RELAY_BUFFER_BYTES.idle;;) {
    const capsule = new Uint8Array(DATA_HEADER_BYTES + size); // a new one each time: the pipe owns what it writes
    const count = await origin.read(capsule.subarray(DATA_HEADER_BYTES));
    if (count === null) break;
    setDataHeader(capsule, 0, count, false);
    await client.write(capsule.subarray(0, DATA_HEADER_BYTES + count));
    size = nextBufferBytes(size, count);
  }
  await client.write(encodeData(new Uint8Array(0), true));
}
