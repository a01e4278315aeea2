import { assert, assertEquals } from "@std/assert";
import { Host } from "../../support/host.ts";
import {
  frameOf,
  HOSTS,
  icmpPacket,
  ipPacket,
  join,
  pieceOf,
  readIcmp,
  summed,
  u16,
  u32,
  udpPacket,
} from "../../support/naive_ip.ts";
import { encode } from "../../support/naive_packet.ts";

const { program: source, far: destination } = HOSTS[6];

/** What a whole echo request and its reply have behind the IPv6 header. */
const ECHO = icmpPacket(6, 128, 0, 0x00070001, Uint8Array.of(1, 2, 3)).subarray(40);

/** An IPv6 packet with these extension headers in front of an echo request; each begins with its own kind in place of what follows. */
function chained(...headers: number[][]): Uint8Array {
  return chainedTo(58, ECHO, ...headers);
}

function chainedTo(protocol: number, payload: Uint8Array, ...headers: number[][]): Uint8Array {
  const kinds = [...headers.map(([kind]) => kind), protocol];
  const chain = headers.map(([, ...rest], i) => [kinds[i + 1], ...rest]);
  return ipPacket({ source, destination, protocol: kinds[0], payload: join(...chain, payload) });
}

/** A header of options of kind `kind` (0 hop-by-hop, 60 destination), padded to eights. */
function options(kind: number, ...bytes: number[]): number[] {
  const length = Math.ceil((bytes.length + 2) / 8) * 8;
  const padding = new Array(length - 2 - bytes.length).fill(0);
  return [kind, length / 8 - 1, ...bytes, ...padding];
}

/** The packet is answered by a Parameter Problem with this code that points at `pointer`, and counted. */
function assertProblem(packet: Uint8Array, code: number, pointer: number, reason: string) {
  const host = new Host();
  const answers = host.ask(packet);
  host.drops({ [reason]: 1 });
  assertEquals(answers.length, 1);
  const icmp = readIcmp(answers[0]);
  assertEquals([icmp.type, icmp.code, icmp.rest], [4, code, pointer]);
  assertEquals(icmp.body, packet.slice(0, 1232), "the packet is quoted");
}

/** The packet is counted, and that is all. */
function assertSilence(packet: Uint8Array, reason: string) {
  const host = new Host();
  assertEquals(host.ask(packet), []);
  host.drops({ [reason]: 1 });
}

/** The packet reaches the echo behind all its headers. */
function assertEcho(packet: Uint8Array) {
  const host = new Host();
  const answers = host.ask(packet);
  host.drops();
  assertEquals(readIcmp(answers[0]).type, packet[0] >>> 4 === 4 ? 0 : 129);
}

Deno.test("RFC 8200 4.1: extension headers that may be skipped are, in any order and any number but one", () => {
  const hop = options(0, 1, 4, 0, 0, 0, 0);
  const own = options(60, 0, 0, 0x1e, 2, 9, 9); // Pad1 and an unknown option that may be skipped
  const route = [43, 0, 4, 0, 0, 0, 0, 0]; // no segments left
  const atomic = [44, 0, 0, 0, 0, 0, 0, 9];
  assertEcho(chained(hop));
  assertEcho(chained(hop, own, route, own));
  assertEcho(chained(own, atomic, own));
  assertEcho(chained(atomic));
});

Deno.test("RFC 8200 4.2: the two high bits of an unknown option say what to do", () => {
  for (const kind of [0, 60]) {
    assertEcho(chained(options(kind, 0x1e, 0)));
    assertSilence(chained(options(kind, 0x5e, 0)), "ipv6-unknown-option");
    assertProblem(chained(options(kind, 0x9e, 0)), 2, 42, "ipv6-unknown-option");
    assertProblem(chained(options(kind, 1, 0, 0xde, 0)), 2, 44, "ipv6-unknown-option");
  }
});

Deno.test("RFC 2675 3: a jumbogram is refused as any unknown option is", () => {
  assertProblem(chained(options(0, 0xc2, 4, 0, 1, 0, 0)), 2, 42, "ipv6-unknown-option");
});

Deno.test("RFC 4443 2.4 e: no answer about an option in an ICMPv6 error, or in a redirect", () => {
  for (const type of [1, 2, 3, 4, 100, 127, 137]) {
    const error = icmpPacket(6, type, 0, 0, new Uint8Array(48)).subarray(40);
    assertSilence(chainedTo(58, error, options(60, 0x9e, 0)), "ipv6-unknown-option");
    assertSilence(chainedTo(58, error, [43, 0, 0, 1, 0, 0, 0, 0]), "ipv6-routing-header");
  }
});

Deno.test("RFC 8200 4.2: an option that does not end in its header is told of", () => {
  assertProblem(chained([60, 0, 0x1e, 5, 0, 0, 0, 0]), 0, 43, "ipv6-bad-option");
  assertProblem(chained([60, 0, 0, 0, 0, 0, 0, 0x1e]), 0, 47, "ipv6-bad-option");
});

Deno.test("RFC 8200 4: hop-by-hop options stand first or are unknown", () => {
  const late = chained(options(60), options(0));
  assertProblem(late, 1, 40, "ipv6-hop-by-hop-not-first");
  assertProblem(chained(options(0), options(0)), 1, 40, "ipv6-hop-by-hop-not-first");
});

Deno.test("RFC 5095 3, RFC 8200 4.4: a route with segments left is refused, whatever its type", () => {
  for (const type of [0, 2, 3, 4, 255]) {
    const route = [43, 2, type, 1, 0, 0, 0, 0, ...new Array(16).fill(0x20)];
    assertProblem(chained(route), 0, 42, "ipv6-routing-header");
    route[3] = 0;
    assertEcho(chained(route));
  }
});

Deno.test("RFC 8883 2.5, 2.6: a chain of too many headers, and a header of too many options, are refused", () => {
  const pad = options(60);
  assertEcho(chained(...new Array(8).fill(pad)));
  assertProblem(chained(...new Array(9).fill(pad)), 8, 40 + 8 * 8, "ipv6-too-many-headers");
  const skip = [0x1e, 0];
  assertEcho(chained(options(60, ...new Array(8).fill(skip).flat())));
  const many = options(60, ...new Array(9).fill(skip).flat());
  assertProblem(chained(many), 9, 42 + 16, "ipv6-too-many-options");
});

Deno.test("RFC 8200 4.7: behind No Next Header there is nothing to say", () => {
  assertSilence(chainedTo(59, Uint8Array.of(1, 2, 3)), "ipv6-no-next-header");
  assertSilence(chainedTo(59, new Uint8Array(0), options(60)), "ipv6-no-next-header");
});

Deno.test("RFC 8200 4: an unknown protocol is a Parameter Problem that points at its number", () => {
  for (const protocol of [1, 4, 41, 47, 50, 51, 132, 135, 255]) {
    assertProblem(chainedTo(protocol, new Uint8Array(40)), 1, 6, "ip-unknown-protocol");
    const behind = chainedTo(protocol, new Uint8Array(40), options(60), options(60));
    assertProblem(behind, 1, 48, "ip-unknown-protocol");
  }
});

Deno.test("RFC 1122 3.2.2.1: an unknown protocol is Protocol Unreachable over IPv4", () => {
  const { program: source, far: destination } = HOSTS[4];
  for (const protocol of [0, 2, 41, 47, 58, 132, 255]) {
    const packet = ipPacket({ source, destination, protocol, payload: new Uint8Array(30) });
    const host = new Host();
    const { type, code, rest, body } = readIcmp(host.ask(packet)[0]);
    assertEquals([type, code, rest, body], [3, 2, 0, packet]);
    host.drops({ "ip-unknown-protocol": 1 });
  }
});

Deno.test("IPv6 packets cut at every length are dropped, whatever headers they have", () => {
  const whole = chained(options(0, 1, 4, 0, 0, 0, 0), options(60), [43, 0, 4, 0, 0, 0, 0, 0]);
  for (let length = 0; length < whole.length; length++) {
    const host = new Host();
    assertEquals(host.ask(whole.subarray(0, length)), []);
    assertEquals([...host.stack.drops.values()], [1], `cut at ${length}`);
    if (length < 40) continue;
    const fitted = whole.slice(0, length);
    fitted.set(u16(length - 40), 4); // the length says so, too: the chain ends in the middle
    const other = new Host();
    assertEquals(other.ask(fitted), []);
    assertEquals([...other.stack.drops.values()], [1], `fitted to ${length}`);
  }
});

function ipv4(options: number[], icmp = icmpPacket(4, 8, 0, 0x00070001, Uint8Array.of(1, 2, 3))) {
  const { program: source, far: destination } = HOSTS[4];
  return ipPacket({ source, destination, protocol: 1, payload: icmp.subarray(20), options });
}

Deno.test("RFC 1122 3.2.1.8: IPv4 options are skipped", () => {
  assertEcho(ipv4([1, 1, 7, 3, 4, 0, 0, 0])); // NOPs, a record route, the end, rubbish
  assertEcho(ipv4([148, 4, 0, 0])); // router alert
  assertEcho(ipv4([0, 131, 3, 4])); // behind the end nothing counts
});

Deno.test("RFC 7126 4.3, 4.4: a packet with a source route goes nowhere", () => {
  assertSilence(ipv4([131, 7, 4, 10, 0, 0, 1, 0]), "ipv4-source-route");
  assertSilence(ipv4([1, 137, 7, 4, 10, 0, 0, 1]), "ipv4-source-route");
});

Deno.test("RFC 1122 3.2.2.5: an IPv4 option of an impossible length is told of, unless in an error", () => {
  for (
    const [options, at] of [[[7, 1, 0, 0], 20], [[1, 7, 4, 0], 21], [[1, 1, 1, 7], 23]] as const
  ) {
    const packet = ipv4([...options]);
    const host = new Host();
    const { type, code, rest, body } = readIcmp(host.ask(packet)[0]);
    assertEquals([type, code, rest, body], [12, 0, at * 2 ** 24, packet]);
    host.drops({ "ipv4-bad-option": 1 });
  }
  for (const type of [3, 4, 5, 11, 12]) {
    const error = icmpPacket(4, type, 0, 0, new Uint8Array(28));
    assertSilence(ipv4([7, 1, 0, 0], error), "ipv4-bad-option");
  }
});

Deno.test("RFC 1122 3.2.2: no error about a fragment other than the first", () => {
  const { program: source, far: destination } = HOSTS[4];
  const piece = (field: number) =>
    ipPacket({
      ...{ source, destination, protocol: 17, payload: new Uint8Array(16) },
      ...{ options: [7, 1, 0, 0], fragment: [9, field] },
    });
  assertSilence(piece(0x2001), "ipv4-bad-option");
  assertEquals(readIcmp(new Host().ask(piece(0x2000))[0]).type, 12);
});

Deno.test("RFC 4443 2.4 f: every kind of error is limited in rate", () => {
  const limits = { repliesPerSecond: 0 };
  const host = new Host({ limits });
  const packets = [
    chained(options(60, 0x9e, 0)),
    chainedTo(132, new Uint8Array(9)),
    ipv4([7, 1, 0, 0]),
    pieceOf(udpPacket(6, 9, new Uint8Array(2000)), 7, 0, 800),
  ];
  assertEquals(host.ask(...packets), []);
  assertEquals(host.until(60_000).drain(), []);
  host.drops({ "limit-replies": 4 });
});

Deno.test("RFC 1122 3.2.1.7: a packet that arrives with a TTL of 1 or 0 has arrived, and answers have 64", () => {
  for (const hopLimit of [0, 1, 255]) {
    for (const family of [4, 6] as const) {
      const { program: source, far: destination } = HOSTS[family];
      const echo = icmpPacket(family, family === 4 ? 8 : 128, 0, 1, new Uint8Array(4));
      const payload = echo.subarray(family === 4 ? 20 : 40);
      const protocol = family === 4 ? 1 : 58;
      const packet = ipPacket({ source, destination, protocol, payload, hopLimit });
      const [answer] = new Host().ask(packet);
      assertEquals(answer[family === 4 ? 8 : 7], 64);
    }
  }
});

Deno.test("RFC 791 3.1: bytes behind the total length are padding", () => {
  const packet = icmpPacket(4, 8, 0, 1, Uint8Array.of(9, 9));
  assertEcho(join(packet, [1, 2, 3]));
});

Deno.test("RFC 3927 7, RFC 4291 2.5.6: the way to a link-local address is not here, and the sender is told", () => {
  for (const family of [4, 6] as const) {
    const { program: source } = HOSTS[family];
    const local = family === 4
      ? Uint8Array.of(169, 254, 169, 254)
      : join([0xfe, 0x80], new Uint8Array(14));
    const tcp = { sourcePort: 1, destinationPort: 80, seq: 0, ack: 0, flags: "S", window: 9 };
    const frame = encode({ ...tcp, source, destination: local, payload: new Uint8Array(0) });
    const host = new Host();
    const { type, code } = readIcmp(host.ask(frame.slice(10))[0]);
    assertEquals([type, code], family === 4 ? [3, 0] : [1, 0]);
    host.drops({ "ip-link-local-destination": 1 });
  }
});

Deno.test("RFC 1122 3.2.2, RFC 4443 2.4 e: what went to many, or came from nobody, is never answered", () => {
  const payload = new Uint8Array(40);
  const far4 = HOSTS[4].far;
  const ask = (source: number[], destination: number[] | Uint8Array, protocol = 132) => {
    const packet = { source: Uint8Array.from(source), destination: Uint8Array.from(destination) };
    assertEquals(new Host().ask(ipPacket({ ...packet, protocol, payload })), []);
  };
  const program = [...HOSTS[4].program];
  for (const many of [[224, 0, 0, 1], [239, 1, 2, 3], [255, 255, 255, 255]]) ask(program, many);
  for (const nobody of [[0, 0, 0, 0], [127, 0, 0, 1], [224, 0, 0, 1], [240, 0, 0, 1]]) {
    ask(nobody, far4);
    ask(nobody, [169, 254, 1, 1]);
  }
  const zeros = new Array(15).fill(0);
  for (const nobody of [[...zeros, 0], [...zeros, 1], [0xff, 2, ...zeros.slice(1)]]) {
    ask(nobody, HOSTS[6].far);
  }
  const bad = { source: Uint8Array.of(127, 0, 0, 1), destination: far4, options: [7, 1, 0, 0] };
  assertSilence(ipPacket({ ...bad, protocol: 17, payload }), "ip-bad-source");
  // Not even an option that asks for an answer to multicast: no group is joined, so nobody reads it (RFC 8200, section 4.2).
  const group = [0xff, 2, ...zeros.slice(1)];
  const multicast = chained(options(60, 0x9e, 0));
  multicast.set(group, 24);
  assertSilence(multicast, "ip-multicast");
});

Deno.test("RFC 768, RFC 792: an ICMP error is not answered where it is itself unusable", () => {
  const { program: source, far: destination } = HOSTS[4];
  const error = summed(
    join([3, 3, 0, 0], u32(0), udpPacket(4, 1, new Uint8Array(4))),
    2,
    1,
    source,
    destination,
  );
  const host = new Host();
  assertEquals(host.ask(ipPacket({ source, destination, protocol: 1, payload: error })), []);
  host.drops({ "icmp-error-ignored": 1 });
});

Deno.test("no bytes behind the headers of IP make an exception, or an answer longer than allowed", () => {
  for (let first = 0; first < 256; first++) {
    for (const family of [4, 6] as const) {
      const { program: source, far: destination } = HOSTS[family];
      for (const length of [0, 1, 7, 8, 40]) {
        const payload = new Uint8Array(length).fill(first);
        const host = new Host();
        const frame = frameOf(ipPacket({ source, destination, protocol: first, payload }));
        host.stack.handlePacket(frame, frame.length, 0);
        for (const answer of host.drain()) assert(answer.length <= (family === 4 ? 576 : 1280));
      }
    }
  }
});
