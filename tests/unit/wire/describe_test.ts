import { assert, assertEquals, assertMatch } from "@std/assert";
import { concatBytes } from "../../../src/bytes.ts";
import { parseIp } from "../../../src/wire/address.ts";
import { describePacket } from "../../../src/wire/describe.ts";
import { writeIpv4Header } from "../../../src/wire/ipv4.ts";
import { writeIpv6Header } from "../../../src/wire/ipv6.ts";
import { seededDice } from "../random.ts";

/** Bytes from hex with spaces, so that a vector can be read by layer. */
function hex(...layers: string[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(layers.join("").replaceAll(" ", ""));
}

function ipv4(protocol: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(20);
  const [source, destination] = [parseIp("198.18.0.1")!, parseIp("198.18.0.7")!];
  writeIpv4Header(header, 0, source, destination, protocol, payload.length, 64);
  return concatBytes([header, payload]);
}

function ipv6(protocol: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(40);
  const [source, destination] = [parseIp("fd73::1")!, parseIp("fd73::7")!];
  writeIpv6Header(header, 0, source, destination, protocol, payload.length, 64);
  return concatBytes([header, payload]);
}

//                    sport dport seq      ack      off flags win  sum  urg
const SYN = hex(
  "9cb0  01bb  00000001 00000000 a0  02   faf0 0000 0000",
  " 020405b4 0402 080a00000005 00000000 01 030307",
);
const DATA = hex(
  "01bb 9cb0  00000007 00000009 80  18   0040 0000 0000",
  "0101 050a 00000001 00000005",
  "68656c6c6f",
);
const QUESTION = "03 777777 07 6578616d706c65 00 0001 0001";
const UDP_DNS = hex("9cb0 0035 0025 0000", "1234 0100 0001 0000 0000 0000", QUESTION);

Deno.test("a SYN is told with all its options", () => {
  assertEquals(
    describePacket(ipv4(6, SYN)),
    "198.18.0.1:40112 > 198.18.0.7:443 TCP SYN seq 1 win 64240 mss 1460 sackOK ts 5 echo 0 wscale 7",
  );
});

Deno.test("a segment with data and SACK over IPv6 has brackets and a length", () => {
  assertEquals(
    describePacket(ipv6(6, DATA)),
    "[fd73::1]:443 > [fd73::7]:40112 TCP PSH+ACK seq 7 ack 9 win 64 sack 1-5, 5 bytes",
  );
});

Deno.test("every option of TCP has a word, and a malformed one ends the list", () => {
  const options: [string, string][] = [
    ["", ""],
    ["00000000", ""],
    ["1312 00000000000000000000000000000000", " md5"],
    ["1c04 8005", " timeout 32773"],
    ["1d04 0102", " tcp-ao"],
    ["1e04 0001", " mptcp"],
    ["2202 2206 01020304", " fastopen fastopen 01020304"],
    ["fd04 abcd", " option 253 (2 bytes)"],
    ["0203 01", " option 2 (1 byte)"],
    ["050a 0000000100000002", " sack 1-2"],
    ["01010204", " option 2 malformed"],
    ["02", " option 2 malformed"],
    ["0200", " option 2 malformed"],
  ];
  for (const [text, words] of options) {
    const bytes = hex(text);
    const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4).fill(1);
    // At the end, so that a missing length byte is missing.
    padded.set(bytes, padded.length - bytes.length);
    const offset = ((20 + padded.length) << 2).toString(16);
    const header = hex("0001 0002 00000003 00000000", offset, "10 0005 0000 0000");
    assertEquals(
      describePacket(ipv4(6, concatBytes([header, padded]))),
      `198.18.0.1:1 > 198.18.0.7:2 TCP ACK seq 3 ack 0 win 5${words}`,
    );
  }
});

Deno.test("flags have an order that people say, and a segment without any says so", () => {
  const flagged = (flags: string) =>
    describePacket(ipv4(6, hex("0001 0002 00000003 00000004 50", flags, "0005 0000 0006")));
  assertMatch(flagged("12"), /TCP SYN\+ACK seq 3 ack 4 win 5$/);
  assertMatch(flagged("11"), /TCP FIN\+ACK seq/);
  assertMatch(flagged("04"), /TCP RST seq 3 win 5$/);
  assertMatch(flagged("00"), /TCP without flags seq/);
  assertMatch(flagged("f8"), /TCP PSH\+ACK\+URG\+ECE\+CWR seq 3 ack 4 win 5 urgent 6$/);
});

Deno.test("a query and its answer name the question", () => {
  assertEquals(
    describePacket(ipv4(17, UDP_DNS)),
    "198.18.0.1:40112 > 198.18.0.7:53 UDP, 29 bytes, DNS query id 4660 A www.example",
  );
  const answer = hex("0035 9cb0 0025 0000", "1234 8183 0001 0000 0000 0000", QUESTION);
  assertMatch(
    describePacket(ipv4(17, answer)),
    /:53 > .* DNS answer id 4660 A www\.example NXDOMAIN with 0 records$/,
  );
  const overTcp = hex("9cb0 0035 00000001 00000001 50 18 0005 0000 0000 001d");
  assertMatch(
    describePacket(ipv4(6, concatBytes([overTcp, UDP_DNS.subarray(8)]))),
    /31 bytes, DNS query id 4660 A www\.example$/,
  );
});

Deno.test("a question cannot write control characters into the log", () => {
  const escape = hex(
    "9cb0 0035 0019 0000",
    "1234 0100 0001 0000 0000 0000 05 1b5b6d2e5c 00 0001 0001",
  );
  assertMatch(describePacket(ipv4(17, escape)), /DNS query id 4660 A \\027\[m\\046\\092$/);
});

Deno.test("echo and every kind of ICMP error has words, with the packet it is about", () => {
  const about = (header: string) =>
    describePacket(ipv4(1, concatBytes([hex(header), ipv4(6, SYN)])));
  const quoted = "[198.18.0.1:40112 > 198.18.0.7:443 TCP SYN";
  assertMatch(
    describePacket(ipv4(1, hex("08 00 0000 0007 0001 abcd"))),
    /^198\.18\.0\.1 > 198\.18\.0\.7 ICMP echo request id 7 seq 1, 2 bytes$/,
  );
  for (
    const [header, words] of [
      ["03 01 0000 00000000", "ICMP unreachable: host, about "],
      ["03 04 0000 0000 05dc", "ICMP unreachable: fragmentation needed (mtu 1500), about "],
      ["03 0d 0000 00000000", "ICMP unreachable: administratively prohibited, about "],
      ["03 63 0000 00000000", "ICMP unreachable: code 99, about "],
      ["05 01 0000 0a000001", "ICMP redirect to 10.0.0.1, about "],
      ["0b 00 0000 00000000", "ICMP time exceeded in transit, about "],
      ["0c 00 0000 14000000", "ICMP parameter problem at byte 20, about "],
    ]
  ) assert(about(header).includes(words + quoted), about(header));
});

Deno.test("every kind of ICMPv6 message has words", () => {
  const line = (...layers: string[]) => describePacket(ipv6(58, hex(...layers)));
  const target = "fe80 0000 0000 0000 0000 0000 0000 0001";
  assertMatch(line("81 00 0000 0007 0001"), /ICMPv6 echo reply id 7 seq 1, 0 bytes$/);
  assertMatch(line("01 03 0000 00000000"), /unreachable: address, about \[empty packet\]$/);
  assertMatch(line("02 00 0000 00000500"), /packet too big \(mtu 1280\), about/);
  assertMatch(line("87 00 0000 00000000", target), /neighbor solicitation: who has fe80::1$/);
  assertMatch(line("88 00 0000 60000000", target), /neighbor advertisement: here is fe80::1$/);
  assertMatch(line("85 00 0000 00000000"), /ICMPv6 router solicitation, 0 bytes$/);
  assertMatch(line("c8 00 0000 00000000"), /ICMPv6 type 200 code 0, 0 bytes$/);
});

Deno.test("an error about an error is not unfolded without end", () => {
  const error = hex("03 01 0000 00000000");
  const nested = [1, 2, 3].reduce((inner) => ipv4(1, concatBytes([error, inner])), ipv4(6, SYN));
  assertMatch(describePacket(nested), /about \[198.* ICMP unreachable: host, about 88 bytes\]$/);
});

Deno.test("a quotation of eight bytes keeps what it has", () => {
  const quoted = ipv4(6, SYN).subarray(0, 28);
  const error = ipv4(1, concatBytes([hex("03 03 0000 00000000"), quoted]));
  assertMatch(
    describePacket(error),
    /\[198.*:443 TCP seq 1, 8 bytes of its header, cut short: 28 of/,
  );
});

Deno.test("fragments say where they belong", () => {
  const first = ipv4(17, UDP_DNS);
  first.set(hex("abcd 2000"), 4);
  assertMatch(describePacket(first), /www\.example, first fragment of id 43981$/);
  const last = ipv4(17, UDP_DNS);
  last.set(hex("abcd 00b9"), 4);
  assertEquals(
    describePacket(last),
    "198.18.0.1 > 198.18.0.7 UDP, 37 bytes, last fragment of id 43981 at 1480",
  );
  const v6 = ipv6(44, hex("11 00 05a9 00000007", "0102"));
  assertEquals(describePacket(v6), "fd73::1 > fd73::7 UDP, 2 bytes, fragment of id 7 at 1448");
});

Deno.test("extension headers of IPv6 are walked over", () => {
  const options = "00 00 010400000000";
  const packet = ipv6(0, concatBytes([hex("3c", options.slice(2), "06", options.slice(2)), SYN]));
  assertMatch(describePacket(packet), /:443 TCP SYN seq 1/);
  assertMatch(describePacket(ipv6(59, new Uint8Array())), /> fd73::7 nothing, 0 bytes$/);
});

Deno.test("bytes that are no packet still get a sentence", () => {
  assertEquals(describePacket(new Uint8Array()), "empty packet");
  assertEquals(describePacket(hex("70")), "not an IP packet: version 7, 1 byte");
  assertEquals(describePacket(hex("60 00")), "IPv6 packet cut short: 2 of 40 header bytes");
  const impossible = ipv4(6, SYN);
  impossible[0] = 0x43;
  assertMatch(describePacket(impossible), /impossible header length of 12 bytes$/);
  const other = ipv4(47, new Uint8Array(3));
  assertEquals(describePacket(other), "198.18.0.1 > 198.18.0.7 GRE, 3 bytes");
  assertMatch(
    describePacket(concatBytes([other, new Uint8Array(1)])),
    /3 bytes, 1 byte behind its end$/,
  );
});

Deno.test("every packet is told in one printable line when cut at every length and with bytes turned over", () => {
  const dice = seededDice(5);
  const error = hex("03 01 0000 00000000");
  const packets = [
    ipv4(6, SYN),
    ipv6(6, DATA),
    ipv4(17, UDP_DNS),
    ipv4(1, concatBytes([error, ipv4(6, SYN)])),
    ipv6(58, concatBytes([error, ipv6(17, UDP_DNS)])),
    ipv6(44, hex("11 00 0001 00000007", "0102")),
  ];
  const told = (packet: Uint8Array) => {
    const line = describePacket(packet);
    assert(/^[\x20-\x7e]+$/.test(line), `${packet.toHex()} is told as ${JSON.stringify(line)}`);
    assert(!/NaN|undefined/.test(line), `${packet.toHex()} is told as ${JSON.stringify(line)}`);
  };
  for (const packet of packets) {
    for (let length = 0; length <= packet.length; length++) told(packet.subarray(0, length));
    for (let i = 0; i < 2_000; i++) {
      const copy = packet.slice(0, packet.length - dice.int(2) * dice.int(packet.length));
      for (let n = dice.int(4); n >= 0; n--) copy[dice.int(copy.length)] = dice.int(256);
      told(copy);
    }
  }
});
