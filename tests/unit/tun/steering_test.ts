import { assert, assertEquals } from "@std/assert";
import { newParsed, parseFrame } from "../../../src/stack/ingress.ts";
import { ANY, FIRST, ownerOfStray } from "../../../src/stack/strays.ts";
import { steeringProgram } from "../../../src/tun/steering.ts";
import { spreadTcp, spreadUdp } from "../../../src/wire/spread.ts";
import { cut, frameOf, icmpPacket, ipPacket, join, udpPacket } from "../../support/naive_ip.ts";
import { encode } from "../../support/naive_packet.ts";
import { datagramFrame } from "../../support/naive_udp.ts";
import { type Dice, seededDice } from "../random.ts";

const dice = seededDice(11);
const IPV6_OPTIONS = 60;

/** What the kernel's machine makes of a packet: the instructions that `tun/bpf.ts` knows, one by one. */
function execute(code: Uint8Array, packet: Uint8Array): number {
  const view = new DataView(code.buffer);
  const registers = new Array<bigint>(10).fill(0n);
  const load = (bytes: number, at: number) => {
    let value = 0n;
    for (let i = 0; i < bytes; i++) value = (value << 8n) | BigInt(packet[at + i] ?? -1n);
    return value;
  };
  const compare: Record<number, (value: bigint, n: bigint) => boolean> = {
    0x15: (value, n) => value === n,
    0x55: (value, n) => value !== n,
    0x45: (value, n) => (value & n) !== 0n,
  };
  const compute: Record<number, (a: bigint, b: bigint) => bigint> = {
    0x04: (a, b) => a + b,
    0x24: (a, b) => a * b,
    0x54: (a, b) => a & b,
    0x64: (a, b) => a << b,
    0x74: (a, b) => a >> b,
    0xa4: (a, b) => a ^ b,
    0xb4: (_, b) => b,
  };
  const size: Record<number, number> = { 0x30: 1, 0x28: 2, 0x20: 4, 0x48: 2, 0x40: 4 };
  for (let at = 0;; at += 8) {
    const [op, both] = code.subarray(at, at + 2);
    const [target, source] = [both & 0x0f, both >>> 4];
    const n = BigInt(view.getInt32(at + 4, true));
    if (op === 0x95) return Number(BigInt.asUintN(32, registers[0]));
    if (op === 0xbf) continue; // the packet's register
    if (size[op] !== undefined) {
      const from = Number(n) + ((op & 0xe0) === 0x40 ? Number(registers[source]) : 0);
      if (from + size[op] > packet.length) return 0;
      registers[0] = load(size[op], from);
    } else if (compare[op] !== undefined) {
      if (compare[op](registers[target], n)) at += 8 * view.getInt16(at + 2, true);
    } else {
      const act = compute[op & ~0x08];
      assert(act !== undefined, `operation ${op}`);
      const operand = (op & 0x08) !== 0 ? registers[source] : BigInt.asUintN(32, n);
      registers[target] = BigInt.asUintN(32, act(registers[target], operand));
    }
  }
}

const code = steeringProgram().encode();
const queueOf = (frame: Uint8Array, count: number) => execute(code, frame.subarray(10)) % count;

function parsed(frame: Uint8Array) {
  const into = newParsed();
  assertEquals(parseFrame(frame, frame.length, into), undefined);
  return into;
}

function segment(family: 4 | 6, dice: Dice): Uint8Array<ArrayBuffer> {
  const address = () =>
    family === 4 ? Uint8Array.of(10, ...dice.bytes(3)) : Uint8Array.of(0x20, 1, ...dice.bytes(14));
  return encode({
    source: address(),
    destination: address(),
    sourcePort: dice.int(65_536),
    destinationPort: dice.int(65_536),
    seq: dice.int(2 ** 32),
    ack: 0,
    flags: "S",
    window: 0,
    payload: dice.bytes(dice.int(100)),
  });
}

Deno.test("the kernel's program and the stack agree on whose a packet is", () => {
  for (let i = 0; i < 500; i++) {
    const family = dice.pick([4, 6] as const);
    const count = 1 + dice.int(16);
    const tcp = segment(family, dice);
    const { ip, segment: { sourcePort, destinationPort } } = parsed(tcp);
    assertEquals(queueOf(tcp, count), spreadTcp(tcp, ip, sourcePort, destinationPort, count));
    const sent = dice.int(65_536);
    const udp = datagramFrame({ family, sourcePort: sent, data: dice.bytes(dice.int(100)) });
    assertEquals(queueOf(udp, count), spreadUdp(udp, parsed(udp).ip, sent, count));
  }
});

Deno.test("IPv4 options do not hide the ports", () => {
  const options = ipPacket({
    source: Uint8Array.of(192, 0, 2, 1),
    destination: Uint8Array.of(203, 0, 113, 5),
    protocol: 17,
    options: [1, 1, 1, 1, 1, 1, 1, 0],
    payload: Uint8Array.of(0x30, 0x39, 0, 9, 0, 8, 0, 0),
  });
  const frame = frameOf(options);
  for (let count = 2; count < 20; count++) {
    assertEquals(queueOf(frame, count), spreadUdp(frame, parsed(frame).ip, 12_345, count));
  }
});

for (const family of [4, 6] as const) {
  Deno.test(`what shows no ports goes to the first queue, over IPv${family}`, () => {
    const whole = udpPacket(family, 9, dice.bytes(3000));
    const packets = [
      ...cut(whole, 7, 1200),
      icmpPacket(family, family === 4 ? 8 : 128, 0, 0, dice.bytes(9)),
    ];
    for (const packet of packets) {
      assertEquals(execute(code, packet), 0);
      for (let length = 0; length < 60; length++) execute(code, packet.subarray(0, length));
    }
  });

  Deno.test(`the stack knows whose a packet is that came to it in fragments, over IPv${family}`, () => {
    const owners = new Set<number>();
    for (let i = 0; i < 50; i++) {
      const udp = datagramFrame({ family, sourcePort: 1000 + i, data: dice.bytes(20) });
      const owner = ownerOfStray(udp, parsed(udp), true, 3);
      assertEquals(owner, queueOf(udp, 3));
      assertEquals(ownerOfStray(udp, parsed(udp), false, 3), FIRST, "it came where it belongs");
      owners.add(owner);
      const tcp = segment(family, dice);
      assertEquals(ownerOfStray(tcp, parsed(tcp), true, 3), queueOf(tcp, 3));
    }
    assertEquals([...owners].sort(), [0, 1, 2]);
  });
}

Deno.test("an IPv6 packet with options goes to the first queue, and from there to its owner", () => {
  const plain = datagramFrame({ family: 6, data: dice.bytes(5) });
  const packet = plain.subarray(10);
  const withOptions = join(packet.subarray(0, 40), [17, 0, 1, 4, 0, 0, 0, 0], packet.subarray(40));
  withOptions[5] += 8;
  withOptions[6] = IPV6_OPTIONS;
  const frame = frameOf(withOptions);
  for (let count = 2; count < 20; count++) {
    assertEquals(queueOf(frame, count), 0);
    assertEquals(ownerOfStray(frame, parsed(frame), false, count), queueOf(plain, count));
  }
});

Deno.test("of ICMP only what says that a packet was too big is for all", () => {
  const owner = (family: 4 | 6, type: number, code: number) => {
    const frame = frameOf(icmpPacket(family, type, code, 1300, dice.bytes(60)));
    return ownerOfStray(frame, parsed(frame), false, 2);
  };
  assertEquals([owner(4, 3, 4), owner(6, 2, 0)], [ANY, ANY]);
  assertEquals([owner(4, 3, 3), owner(6, 1, 4), owner(4, 8, 0), owner(6, 128, 0)], [0, 0, 0, 0]);
});

Deno.test("flows spread evenly: neighbouring ports, one server", () => {
  for (const count of [2, 3, 8]) {
    for (const family of [4, 6] as const) {
      const shares = new Array<number>(count).fill(0);
      const flows = 4000;
      for (let i = 0; i < flows; i++) {
        const udp = datagramFrame({ family, sourcePort: 32_768 + i, data: new Uint8Array(1) });
        shares[queueOf(udp, count)]++;
      }
      const fair = flows / count;
      assert(shares.every((share) => Math.abs(share - fair) < fair / 4), shares.join());
    }
  }
});

Deno.test("all that one UDP port sends goes to one queue, whoever it is for", () => {
  const queues = new Set<number>();
  for (let i = 0; i < 100; i++) {
    const destination = Uint8Array.of(203, 0, 113, i);
    queues.add(queueOf(datagramFrame({ destination, port: 1 + i, data: new Uint8Array(1) }), 8));
  }
  assertEquals(queues.size, 1);
});
