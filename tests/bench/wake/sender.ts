/**
 * Sends datagrams into the device, each with the moment of its sending in its first eight bytes, until it is ended.
 *
 *     sender.ts HOST PORT BYTES PAUSE_US        at once, or with a pause before each; more than 1,400 bytes go as one super-packet
 *
 * @module
 */

import { c, nanoseconds } from "./clock.ts";

/** sys/socket.h, netinet/in.h, linux/udp.h. */
const AF_INET = 2;
const SOCK_DGRAM = 2;
const IPPROTO_UDP = 17;
const UDP_SEGMENT = 103;
/** What one datagram of a super-packet holds. */
const SEGMENT_BYTES = 1_400;

const [hostname, port, bytes, pause] = Deno.args;
const address = new Uint8Array(16);
new DataView(address.buffer).setUint16(0, AF_INET, true);
new DataView(address.buffer).setUint16(2, Number(port));
address.set(hostname.split(".").map(Number), 4);

const socket = c.socket(AF_INET, SOCK_DGRAM, 0);
if (c.connect(socket, address, address.length) !== 0) throw new Error("connect failed");
const payload = new Uint8Array(Number(bytes));
if (payload.length > SEGMENT_BYTES) {
  const size = new Uint8Array(Uint32Array.of(SEGMENT_BYTES).buffer);
  if (c.setsockopt(socket, IPPROTO_UDP, UDP_SEGMENT, size, size.length) !== 0) {
    throw new Error("The kernel knows no UDP_SEGMENT");
  }
}
const stamp = new DataView(payload.buffer);
const pauseUs = Number(pause);
for (;;) {
  if (pauseUs > 0) c.usleep(pauseUs);
  stamp.setBigInt64(0, nanoseconds());
  c.write(socket, payload, payload.length);
}
