/**
 * Which queue of a device a packet goes to, decided by a program of ours in the kernel (TUNSETSTEERINGEBPF, Linux 4.16).
 *
 * Left alone, the kernel sends the packets of a flow where a packet of that flow was last written, else by a hash with a secret; fragments and
 * ICMP messages, which show no ports, go by another hash, and nobody knows whose they are. With this program
 *
 * - a whole TCP segment or UDP datagram goes to the queue that `wire/spread.ts` says, always to the same one;
 * - everything else goes to queue 0, whose stack puts fragments together, and hands on what is another's.
 *
 * @module
 */

import {
  SPREAD_FIRST_SHIFT,
  SPREAD_LAST_FACTOR,
  SPREAD_LAST_SHIFT,
  SPREAD_WORD_FACTOR,
} from "../wire/spread.ts";
import { DeviceError } from "../errors.ts";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ip.ts";
import { BpfProgram, loadBpf, REGISTER } from "./bpf.ts";
import { errorText, libc } from "./ffi.ts";
import { TUNSETSTEERINGEBPF } from "./tun_ioctl.ts";

/** Fields of IPv4 (RFC 791, section 3.1). */
const V4 = { fragment: 6, protocol: 9, source: 12, destination: 16 } as const;
/** "More fragments", and the offset. */
const V4_FRAGMENT_MASK = 0x3fff;
/** Fields of IPv6 (RFC 8200, section 3). */
const V6 = { nextHeader: 6, source: 8, destination: 24, payload: 40 } as const;
const V6_ADDRESS_WORDS = [0, 4, 8, 12] as const;

const { result, hash, offset, scratch } = REGISTER;

/**
 * Has the kernel spread what goes into the device of queue `fd`, until the device is gone.
 *
 * @throws {DeviceError} When the kernel does not
 */
export function steer(fd: number): void {
  const c = libc();
  const program = loadBpf(steeringProgram());
  try {
    const pointed = new Uint8Array(new Int32Array([program]).buffer);
    if (c.ioctl(fd, TUNSETSTEERINGEBPF, pointed) === 0) return;
    const why = errorText(c.errno());
    throw new DeviceError(
      "unsupported",
      `Cannot spread flows over workers: ${why}. Take Linux 4.16 or later, or leave out --workers`,
    );
  } finally {
    c.close(program); // the device holds it
  }
}

/** The program: its result, divided by the number of queues, leaves the queue. */
export function steeringProgram(): BpfProgram {
  const program = new BpfProgram();
  program.alu("mov", hash, 0)
    .load(1, 0).alu("rsh", result, 4)
    .jump("eq", 6, "ipv6").jump("ne", 4, "first queue")
    .load(2, V4.fragment).jump("anyBit", V4_FRAGMENT_MASK, "first queue")
    .load(1, 0).alu("and", result, 0x0f).alu("lsh", result, 2)
    .alu("mov", offset, { register: result })
    .load(1, V4.protocol)
    .jump("eq", PROTOCOL_UDP, "udp over ipv4").jump("ne", PROTOCOL_TCP, "first queue");
  mixWord(program.load(4, V4.source));
  mixWord(program.load(4, V4.destination));
  finish(mixWord(program.loadFrom(4, offset, 0)));
  mixWord(program.label("udp over ipv4").load(4, V4.source));
  finish(mixWord(program.loadFrom(2, offset, 0)));
  program.label("ipv6").load(1, V6.nextHeader)
    .jump("eq", PROTOCOL_UDP, "udp over ipv6").jump("ne", PROTOCOL_TCP, "first queue");
  for (const at of V6_ADDRESS_WORDS) mixWord(program.load(4, V6.source + at));
  for (const at of V6_ADDRESS_WORDS) mixWord(program.load(4, V6.destination + at));
  finish(mixWord(program.load(4, V6.payload)));
  program.label("udp over ipv6");
  for (const at of V6_ADDRESS_WORDS) mixWord(program.load(4, V6.source + at));
  finish(mixWord(program.load(2, V6.payload)));
  return program.label("first queue").alu("mov", result, 0).exit();
}

function mixWord(program: BpfProgram): BpfProgram {
  return program.alu("xor", hash, { register: result }).alu("mul", hash, SPREAD_WORD_FACTOR);
}

function finish(program: BpfProgram): void {
  shiftIn(program, SPREAD_FIRST_SHIFT).alu("mul", hash, SPREAD_LAST_FACTOR);
  shiftIn(program, SPREAD_LAST_SHIFT).alu("mov", result, { register: hash }).exit();
}

function shiftIn(program: BpfProgram, shift: number): BpfProgram {
  return program.alu("mov", scratch, { register: hash }).alu("rsh", scratch, shift)
    .alu("xor", hash, { register: scratch });
}
