import { assert, assertEquals } from "@std/assert";
import { Host } from "../../support/host.ts";
import {
  cut,
  frameOf,
  headerLength,
  HOSTS,
  icmpPacket,
  ipPacket,
  join,
  pieceOf,
  readIcmp,
  rejoin,
  u16,
  u32,
  udpPacket,
} from "../../support/naive_ip.ts";
import { encode } from "../../support/naive_packet.ts";
import { seededDice } from "../random.ts";

const ECHO = { 4: 8, 6: 128 } as const;
const REPLY = { 4: 0, 6: 129 } as const;
const dice = seededDice(3);

/** An echo request whose data is not easily mistaken. */
function echo(family: 4 | 6, length: number, rest = 0x12340001) {
  return icmpPacket(family, ECHO[family], 0, rest, dice.bytes(length));
}

/** What comes back must be the reply to `request`. */
function assertReply(request: Uint8Array, packets: Uint8Array[]) {
  const whole = packets.length === 1 ? packets[0] : rejoin(packets);
  const { type, code, rest, body } = readIcmp(whole);
  assertEquals([type, code], [REPLY[request[0] >>> 4 as 4 | 6], 0]);
  const asked = readIcmp(request);
  assert(rest === asked.rest && body.join() === asked.body.join(), "the data is not copied");
}

for (const family of [4, 6] as const) {
  const v = `over IPv${family}`;
  const timeExceeded = family === 4 ? 11 : 3;

  Deno.test(`RFC 791 3.2, RFC 8200 4.5: fragments in any order become the packet again, ${v}`, () => {
    for (const order of [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0], [0, 2, 1], [2, 0, 1]]) {
      const host = new Host();
      const request = echo(family, 2900);
      const pieces = cut(request, 7, 1200);
      const answers = order.flatMap((at) => host.ask(pieces[at]));
      assertReply(request, answers);
      host.drops();
      assertEquals(host.stack.nextTimeout(), Infinity);
    }
  });

  Deno.test(`RFC 791 3.2, RFC 8200 4.5: packets of the same hosts are told apart by identification, ${v}`, () => {
    const host = new Host();
    const [one, other] = [echo(family, 2000), echo(family, 2000)];
    const [a, b] = [cut(one, 1, 1200), cut(other, 2, 1200)];
    assertEquals(host.ask(a[0], b[1]), []);
    assertReply(other, host.ask(b[0]));
    assertReply(one, host.ask(a[1]));
  });

  Deno.test(`RFC 5722 4: an exact duplicate of a fragment is only a duplicate, ${v}`, () => {
    const host = new Host();
    const request = echo(family, 2900);
    const [a, b, c] = cut(request, 7, 1200);
    assertReply(request, host.ask(a, a, c, c, b));
    host.drops({ "fragment-duplicate": 2 });
  });

  Deno.test(`RFC 5722 4: overlapping fragments drop the whole packet, also what is still to come, without a word, ${v}`, () => {
    const request = echo(family, 2900);
    const [a, b, c] = cut(request, 7, 1200);
    const other = b.slice();
    other[other.length - 1] ^= 1; // the same place, other bytes
    const overlaps = {
      "behind": pieceOf(request, 7, 1192, 1400),
      "before": pieceOf(request, 7, 2392, 2904),
      "inside": pieceOf(request, 7, 1208, 1216),
      "around": pieceOf(request, 7, 1192, 2408),
      "other bytes": other,
    };
    for (const [name, overlap] of Object.entries(overlaps)) {
      const host = new Host();
      assertEquals(host.ask(a, b, overlap, c, b), [], name);
      host.drops({ "fragment-overlap": 1, "fragment-of-overlap": 2 });
      assertEquals(host.until(70_000).drain(), [], name);
      assertEquals(host.stack.nextTimeout(), Infinity);
      assertReply(request, host.ask(a, b, c));
    }
  });

  Deno.test(`RFC 5722 4: fragments that disagree about the end are an overlap, ${v}`, () => {
    const request = echo(family, 2900);
    const [a, b, c] = cut(request, 7, 1200);
    const early = pieceOf(request, 7, 1200, 2400, false);
    const beyond = pieceOf(echo(family, 4000), 7, 2912, 3200);
    for (const pieces of [[c, early], [c, beyond], [b, c, pieceOf(request, 7, 600, 1200, false)]]) {
      const host = new Host();
      assertEquals(host.ask(...pieces, a, b, c), []);
      assertEquals(host.stack.drops.get("fragment-overlap"), 1);
    }
  });

  Deno.test(`RFC 1122 3.3.2, RFC 8200 4.5: after 60 s the sender of a first fragment hears of the missing ones, ${v}`, () => {
    const host = new Host({}, 1000);
    const [a, b] = cut(echo(family, 2900), 7, 1200);
    assertEquals(host.ask(a, b), []);
    assertEquals(host.stack.nextTimeout(), 61_000);
    assertEquals(host.until(60_999).drain(), []);
    const [answer] = host.until(61_000).drain();
    const { type, code, rest, body } = readIcmp(answer);
    assertEquals([type, code, rest], [timeExceeded, 1, 0]);
    assertEquals(body, a.slice(0, body.length), "the first fragment is quoted as it came");
    assertEquals(answer.length, family === 4 ? 576 : 1280);
    host.drops({ "fragments-timed-out": 1 });
    assertEquals(host.stack.nextTimeout(), Infinity);
  });

  Deno.test(`RFC 1122 3.3.2, RFC 8200 4.5: without the first fragment nobody is told, ${v}`, () => {
    const host = new Host();
    assertEquals(host.ask(cut(echo(family, 2900), 7, 1200)[1]), []);
    assertEquals(host.until(60_000).drain(), []);
    host.drops({ "fragments-timed-out": 1 });
  });

  Deno.test(`RFC 1122 3.2.2, RFC 4443 2.4 e: no error about the fragments of an error, ${v}`, () => {
    const host = new Host();
    const error = icmpPacket(family, family === 4 ? 3 : 1, 1, 0, dice.bytes(1400));
    assertEquals(host.ask(cut(error, 7, 1200)[0]), []);
    assertEquals(host.until(60_000).drain(), []);
    host.drops({ "fragments-timed-out": 1 });
  });

  Deno.test(`the fragments of a SYN open a flow, ${v}`, () => {
    const host = new Host();
    const { program: source, far: destination } = HOSTS[family];
    const syn = encode({
      ...{ source, destination, sourcePort: 1, destinationPort: 2, seq: 5, ack: 0, flags: "S" },
      ...{ window: 1000, mss: 1460, payload: dice.bytes(100) },
    }).slice(10);
    assertEquals(host.ask(...cut(syn, 9, 64).reverse()), []);
    assertEquals(host.stack.pollEvent()?.type, "request");
    host.drops();
  });

  Deno.test(`the sum of a packet from fragments is looked at, whatever a device said of them, ${v}`, () => {
    for (const flag of [0, 1, 2]) { // plain, to be completed, already verified
      const host = new Host();
      const request = udpPacket(family, 9, dice.bytes(2000));
      request[request.length - 1] ^= 1;
      for (const piece of cut(request, 7, 1200)) {
        const frame = frameOf(piece);
        frame[0] = flag;
        host.stack.handlePacket(frame, frame.length, 0);
      }
      host.drops({ "udp-bad-checksum": 1 });
    }
  });

  Deno.test(`RFC 791 3.2, RFC 8200 4.5: a fragment that cannot be one is dropped, ${v}`, () => {
    const request = echo(family, 2900);
    const odd = pieceOf(request, 7, 0, 1201, true);
    const host = new Host();
    const answers = host.ask(odd);
    host.drops({ [`ipv${family}-bad-fragment`]: 1 });
    if (family === 4) return assertEquals(answers, []);
    const { type, code, rest } = readIcmp(answers[0]);
    assertEquals([type, code, rest], [4, 0, 4], "it points at the length of the payload");
  });

  Deno.test(`RFC 8200 4.5: a fragment beyond the longest packet is dropped ("ping of death"), ${v}`, () => {
    const huge = join(
      ipPacket({
        source: HOSTS[family].program,
        destination: HOSTS[family].far,
        protocol: 17,
        payload: new Uint8Array(0),
      }),
      new Uint8Array(66_000),
    );
    const host = new Host();
    const answers = host.ask(pieceOf(huge, 7, 65_520, 65_600));
    host.drops({ [`ipv${family}-fragment-beyond-end`]: 1 });
    if (family === 4) return assertEquals(answers, []);
    const { type, code, rest } = readIcmp(answers[0]);
    assertEquals([type, code, rest], [4, 0, 42], "it points at the offset");
  });

  for (const seed of [1, 2, 3, 4, 5, 6]) {
    Deno.test(`a naive twin agrees on random cuts, orders, duplicates and overlaps, ${v} (seed ${seed})`, () => {
      const dice = seededDice(seed * 10 + family);
      for (let round = 0; round < 60; round++) againstTwin(family, dice, round);
    });
  }
}

/** The twin keeps a bit for each byte: RFC 5722 in its plainest form. */
function againstTwin(family: 4 | 6, dice: ReturnType<typeof seededDice>, id: number) {
  const host = new Host();
  const request = icmpPacket(family, ECHO[family], 0, id, dice.bytes(100 + dice.int(3000)));
  const length = request.length - headerLength(request);
  const pieces: [start: number, end: number][] = [];
  for (let at = 0; at < length;) {
    const end = Math.min(at + 8 * (1 + dice.int(60)), length);
    pieces.push([at, end]);
    at = end;
  }
  for (let i = dice.int(3); i > 0; i--) pieces.push(dice.pick(pieces)); // duplicates
  if (dice.int(2) === 0) { // an overlap, or by chance another duplicate
    const start = 8 * dice.int(Math.ceil(length / 8));
    pieces.push([start, Math.min(start + 8 * (1 + dice.int(30)), length)]);
  }
  for (let i = pieces.length - 1; i > 0; i--) { // shuffle
    const j = dice.int(i + 1);
    [pieces[i], pieces[j]] = [pieces[j], pieces[i]];
  }
  let seen: string[] = [];
  let bytes: boolean[] = [];
  let isPoisoned = false;
  let wholes = 0;
  for (const [start, end] of pieces) {
    host.send(pieceOf(request, id, start, end));
    if (end - start === length) wholes++; // not a fragment at all
    if (end - start === length || isPoisoned || seen.includes(`${start}-${end}`)) continue;
    if (bytes.slice(start, end).includes(true)) {
      isPoisoned = true;
      continue;
    }
    seen.push(`${start}-${end}`);
    for (let at = start; at < end; at++) bytes[at] = true;
    if (bytes.length !== length || Array.from(bytes).includes(undefined as never)) continue;
    wholes++;
    seen = [];
    bytes = [];
  }
  const answers = host.drain();
  if (wholes === 0) return assertEquals(answers, []);
  assertEquals(answers.length > 0, true);
  if (wholes === 1) assertReply(request, answers);
}

Deno.test("RFC 6946: an atomic fragment is a packet by itself, beside fragments of the same identification", () => {
  const host = new Host();
  const request = echo(6, 2900);
  const [a, b, c] = cut(request, 7, 1200);
  const small = echo(6, 30);
  assertEquals(host.ask(a), []);
  assertReply(small, host.ask(pieceOf(small, 7, 0, small.length - 40)));
  assertReply(request, host.ask(b, c));
  host.drops();
});

Deno.test("RFC 8200 4.5: headers in front of the Fragment header come from the first fragment, and are kept", () => {
  const host = new Host();
  const { program: source, far: destination } = HOSTS[6];
  const request = echo(6, 1000);
  const piece = (start: number, end: number, more: boolean, padding: number[]) => {
    const options = [44, 0, ...padding];
    const fragment = [58, 0, ...u16(start | (more ? 1 : 0)), ...u32(9)];
    const payload = join(options, fragment, request.subarray(40 + start, 40 + end));
    return ipPacket({ source, destination, protocol: 60, payload });
  };
  const padN = [1, 4, 0, 0, 0, 0];
  assertReply(request, host.ask(piece(0, 512, true, padN), piece(512, 1008, false, padN)));
  host.drops();
});

Deno.test("RFC 7112 5: a first fragment without all headers is refused", () => {
  const { program: source, far: destination } = HOSTS[6];
  const chain = join([60, 0, 0, 1, ...u32(7)], [6, 2, 1, 4, 0, 0, 0, 0]); // options that go on elsewhere
  const cutOff = ipPacket({ source, destination, protocol: 44, payload: chain });
  const half = join([6, 0, 0, 1, ...u32(7)], new Uint8Array(16)); // 16 of the 20 bytes of a TCP header
  const noTcp = ipPacket({ source, destination, protocol: 44, payload: half });
  for (const packet of [cutOff, noTcp]) {
    const host = new Host();
    const [answer] = host.ask(packet);
    const { type, code, rest, body } = readIcmp(answer);
    assertEquals([type, code, rest, body], [4, 3, 0, packet]);
    host.drops({ "ipv6-incomplete-header-chain": 1 });
  }
});

Deno.test("RFC 791 3.1, RFC 8200 4.5: pieces that are too long only with the headers of the first are dropped", () => {
  const { program: source, far: destination } = HOSTS[4];
  const first = ipPacket({
    ...{ source, destination, protocol: 17, payload: new Uint8Array(8) },
    ...{ options: new Array(40).fill(1), fragment: [7, 0x2000] },
  });
  const last = ipPacket({
    ...{ source, destination, protocol: 17, payload: new Uint8Array(11) },
    fragment: [7, 65_504 / 8],
  });
  for (const pieces of [[first, last], [last, first]]) {
    const host = new Host();
    assertEquals(host.ask(...pieces), []);
    host.drops({ "fragment-beyond-end": 1 });
  }
});

Deno.test("a fragment of fragments goes no further", () => {
  const host = new Host();
  const request = echo(6, 2900);
  const [inner] = cut(request, 7, 1200);
  assertEquals(host.ask(...cut(inner, 8, 600)), []);
  host.drops({ "ipv6-nested-fragment": 1 });
});

Deno.test("RFC 791 3.2: IPv4 tells packets apart by protocol, too, and keeps the options of the first fragment", () => {
  const host = new Host();
  const request = echo(4, 1000);
  const datagram = udpPacket(4, 9, dice.bytes(1000));
  const [a, b] = cut(request, 7, 800);
  const [x, y] = cut(datagram, 7, 800);
  const withOptions = ipPacket({
    ...{ source: HOSTS[4].program, destination: HOSTS[4].far, protocol: 1 },
    ...{ payload: a.subarray(20), options: [1, 1, 1, 0], fragment: [7, 0x2000] },
  });
  assertEquals(host.ask(x, withOptions), []);
  assertReply(request, host.ask(b));
  assertEquals(readIcmp(host.ask(y)[0]).type, 3);
});
