/**
 * A UDP tunnel whose capsules come through a pipe.
 *
 * @module
 */

import { type BytePipe, pipeTransport } from "./byte_pipe.ts";
import type { Refusal } from "../refusal.ts";
import type { UdpAsked } from "../asked/udp_asked.ts";
import { admitUdp, type UdpOptions } from "./udp_tunnel.ts";

/**
 * Carries one tunnel to its end, or returns the refusal to give. `grant` sends the head of the answer, with further fields. Closes the pipe unless
 * it refuses; never rejects.
 */
export async function serveUdpPipe(
  pipe: BytePipe,
  asked: UdpAsked,
  options: UdpOptions,
  grant: (fields: readonly (readonly [string, string])[]) => Promise<void>,
): Promise<Refusal | undefined> {
  const tunnel = await admitUdp(asked, pipeTransport(pipe), options);
  if ("status" in tunnel) return tunnel;
  try {
    await grant(tunnel.fields);
    tunnel.start();
    for (let bytes; (bytes = await pipe.read()) !== null;) tunnel.stream.take(bytes);
    tunnel.stream.takeEnd();
  } catch {
    tunnel.stream.break(); // the client broke off, or left before the answer
  } finally {
    tunnel.stream.break(); // an end that waits for a write goes with the connection
    await tunnel.close();
  }
}
