import { assert, assertEquals } from "@std/assert";
import { Host } from "../../support/host.ts";
import {
  cut,
  HOSTS,
  icmpPacket,
  ipPacket,
  join,
  readIcmp,
  rejoin,
  udpPacket,
} from "../../support/naive_ip.ts";
import { seededDice } from "../random.ts";

const dice = seededDice(8);

for (const family of [4, 6] as const) {
  const v = `over IPv${family}`;
  const echo = (length: number, rest = 0x00070001) =>
    icmpPacket(family, family === 4 ? 8 : 128, 0, rest, dice.bytes(length));

  Deno.test(`RFC 792, RFC 4443 4.2: an echo of any size comes back with its data, in pieces that fit, ${v}`, () => {
    for (const mtu of [1280, 1500, 9000]) {
      for (const length of [0, 1, 1000, mtu - 28, mtu - 27, mtu - 48, mtu - 47, 8000, 60_000]) {
        const request = echo(length);
        const host = new Host({ mtu });
        const answers = host.ask(...cut(request, 1, 1232));
        host.drops();
        for (const packet of answers) assert(packet.length <= mtu, `${packet.length} of ${mtu}`);
        const whole = answers.length === 1 ? answers[0] : rejoin(answers);
        const { type, code, rest, body } = readIcmp(whole);
        assertEquals([type, code, rest], [family === 4 ? 0 : 129, 0, 0x00070001]);
        assert(body.join() === readIcmp(request).body.join(), "the data is not copied");
      }
    }
  });

  Deno.test(`RFC 6864 4.3, RFC 7739 5.3: identifications differ from packet to packet, and from host to host they tell nothing, ${v}`, () => {
    const host = new Host({ mtu: 1280 });
    const idsOf = (host: Host) =>
      [1, 2, 3].map(() => {
        const [first] = host.ask(...cut(echo(2000), 1, 1232));
        return family === 4 ? first[4] * 256 + first[5] : new DataView(first.buffer).getUint32(44);
      });
    const ids = idsOf(host);
    assertEquals([ids[1] - ids[0], ids[2] - ids[1]], [1, 1]);
    const other = new Host({ mtu: 1280, secret: new Uint8Array(16).fill(9) });
    assert(idsOf(other)[0] !== ids[0], "the secret does not matter");
    const secret = Uint8Array.from({ length: 16 }, (_, i) => i);
    assertEquals(idsOf(new Host({ mtu: 1280, secret })), ids);
  });

  Deno.test(`RFC 1812 4.3.2.3, RFC 4443 2.4 c: an error quotes as much as it may be long, ${v}`, () => {
    for (const length of [0, 100, 519, 520, 521, 1192, 1193, 1400, 40_000]) {
      const packet = udpPacket(family, 9, dice.bytes(length));
      const [answer] = new Host({ mtu: 65_535 }).ask(packet);
      const { type, code, rest, body } = readIcmp(answer);
      assertEquals([type, code, rest], family === 4 ? [3, 3, 0] : [1, 4, 0]);
      const most = family === 4 ? 576 : 1280;
      assertEquals(answer.length, Math.min(packet.length + (family === 4 ? 28 : 48), most));
      assertEquals(body, packet.slice(0, body.length));
    }
  });

  Deno.test(`a datagram of 60,000 bytes to a closed port is unreachable, ${v}`, () => {
    const host = new Host();
    const packet = udpPacket(family, 9, dice.bytes(60_000));
    const answers = host.ask(...cut(packet, 5, 1232));
    host.drops({ "udp-port-unreachable": 1 });
    assertEquals(answers.length, 1);
    const { type, code, body } = readIcmp(answers[0]);
    assertEquals([type, code], family === 4 ? [3, 3] : [1, 4]);
    const head = packet.slice(0, body.length);
    if (family === 4) { // the identification and the sum of the whole need not be those of the pieces
      for (const bytes of [head, body]) bytes.set([0, 0, 0, 0, 64, 17, 0, 0], 4);
    }
    assertEquals(body, head);
  });

  Deno.test(`a datagram of ours that is longer than the MTU leaves in pieces, ${v}`, () => {
    const host = new Host();
    const [to, from] = HOSTS[family].texts;
    for (const length of [1, 1452, 1453, 1472, 1473, 3000, 65_507]) {
      const payload = dice.bytes(length);
      host.stack.sendDatagram({ hostname: from, port: 53 }, { hostname: to, port: 9 }, payload);
      const packets = host.drain();
      for (const packet of packets) assert(packet.length <= 1500);
      const isCut = length + 8 + (family === 4 ? 20 : 40) > 1500;
      assertEquals(packets.length > 1, isCut);
      const whole = isCut ? rejoin(packets) : packets[0];
      const at = family === 4 ? 28 : 48;
      assert(whole.slice(at).join() === payload.join(), "the payload");
    }
  });

  Deno.test(`RFC 4443 2.4 f, RFC 1812 4.3.2.8: errors are limited in rate, and echo is not, ${v}`, () => {
    const host = new Host({ limits: { repliesPerSecond: 3 } });
    const packet = udpPacket(family, 9, dice.bytes(10));
    const count = () => host.ask(...new Array(10).fill(packet)).length;
    assertEquals(count(), 3);
    assertEquals(count(), 0);
    assertEquals(host.until(400).now && count(), 1);
    assertEquals(host.until(10_000).now && count(), 3);
    assertEquals(host.ask(...new Array(10).fill(echo(4))).length, 10);
    assertEquals(host.stack.drops.get("limit-replies"), 33);
  });

  Deno.test(`errors do not use up what RSTs may be sent, ${v}`, () => {
    const host = new Host({ limits: { repliesPerSecond: 2 } });
    const { program: source, far: destination } = HOSTS[family];
    host.ask(...new Array(9).fill(udpPacket(family, 9, dice.bytes(10))));
    const stray = join([0, 1, 0, 2], new Array(8).fill(1), [0x50, 0x10, 9, 9, 0, 0, 0, 0]);
    const packet = ipPacket({ source, destination, protocol: 6, payload: stray });
    const frame = join([2, 0, 0, 0, 0, 0, 0, 0, 0, 0], packet); // the device has looked at the sum
    for (let i = 0; i < 5; i++) host.stack.handlePacket(frame, frame.length, 0);
    assertEquals(host.drain().length, 2);
  });

  Deno.test(`RFC 1122 3.2.2, RFC 4443 2.4 e: errors of every type and code get no answer and end no flow, ${v}`, () => {
    const host = new Host();
    for (let type = 0; type < 256; type++) {
      if (type === (family === 4 ? 8 : 128)) continue;
      for (const code of [0, 2, 3, 4]) {
        const quoted = udpPacket(family, 9, dice.bytes(4));
        assertEquals(host.ask(icmpPacket(family, type, code, 0, quoted)), []);
      }
    }
    assertEquals(host.stack.drops.get("limit-replies"), undefined);
  });

  Deno.test(`an echo to an address that is not ours is dropped, ${v}`, () => {
    const host = new Host({ addresses: [] });
    assertEquals(host.ask(echo(4)), []);
    host.drops({ "icmp-not-ours": 1 });
  });
}

Deno.test("RFC 1191 3: answers other than TCP may be cut by routers, RSTs need not be", () => {
  const host = new Host();
  const [reply] = host.ask(icmpPacket(4, 8, 0, 1, dice.bytes(100)));
  assertEquals(reply[6] & 0x40, 0);
});
