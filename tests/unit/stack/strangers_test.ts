import { assertEquals } from "@std/assert";
import { MAX_FRAME_LENGTH } from "../../../src/wire/virtio.ts";
import { HOSTS } from "../../support/naive_ip.ts";
import { readFrame } from "../../support/naive_udp.ts";
import { opened, payload, UdpScript } from "../../support/udp_script.ts";

/** The only frame that waits, read by the naive reader. */
function read({ stack, now }: UdpScript) {
  const frame = new Uint8Array(MAX_FRAME_LENGTH);
  const found = readFrame(frame.subarray(0, stack.pollPacket(frame, now)));
  assertEquals(stack.pollPacket(frame, now), 0);
  return found;
}

for (
  const [family, hostname, bytes] of [
    [4, "192.0.2.77", [192, 0, 2, 77]],
    [6, "2001:db8::77", [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x77]],
  ] as const
) {
  Deno.test(`RFC 4787, REQ-8: a stranger's datagram comes to the program's port, from ${hostname}`, () => {
    const script = new UdpScript().send(1, 10, { family }).events("request").accept();
    script.answerFrom(hostname, 5000, 7, 300);
    const { source, sourcePort, destination, destinationPort, datagrams } = read(script);
    assertEquals([[...source], sourcePort], [[...bytes], 5000]);
    assertEquals([destination, destinationPort], [HOSTS[family].program, 12_345]);
    assertEquals(datagrams, [payload(7, 300)]);
    script.events().drops();
    assertEquals(script.stack.associations.size, 1);
  });
}

Deno.test("what strangers send in a row may leave as one frame, and never together with others", () => {
  const script = opened({ offload: true, udpOffload: true });
  script.answerFrom("192.0.2.1", 5, 1, 100).answerFrom("192.0.2.1", 5, 2, 100);
  script.answerFrom("192.0.2.2", 5, 3, 100).answer(4, 100).answerFrom("192.0.2.2", 5, 5, 100);
  script.expect("1x100 2x100", "3x100", "4x100", "5x100");
});

Deno.test("a stranger does not keep an association alive, nor from giving way", () => {
  const limits = { associations: 2 };
  const script = opened({ limits }).until(60_000);
  const first = script.id;
  script.send(1, 1, { port: 444 }).events("request").accept();
  script.stack.associations.sendFrom(first, { hostname: "192.0.2.1", port: 5 }, payload(1, 1));
  script.expect("1x1").send(1, 1, { port: 445 }).events("ended: displaced", "request");
  assertEquals(script.stack.associations.read(first), "end");
  const idle = opened().until(4 * 60_000).answerFrom("192.0.2.1", 5, 1, 1).expect("1x1");
  idle.until(5 * 60_000).events("ended: idle");
});

Deno.test("a stranger whom nothing can come from is counted and dropped", () => {
  const script = opened();
  const nobody = ["127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "169.254.1.1"];
  for (const hostname of [...nobody, "2001:db8::1", "a.example"]) {
    script.answerFrom(hostname, 5, 1, 1);
  }
  script.answerFrom("192.0.2.1", 0, 1, 1).expect().drops({ "udp-bad-stranger": 8 });
  const six = new UdpScript().send(1, 1, { family: 6 }).events("request").accept();
  for (const hostname of ["::", "::1", "fe80::1", "ff02::1", "::ffff:192.0.2.1", "192.0.2.1"]) {
    six.answerFrom(hostname, 5, 1, 1);
  }
  six.expect().drops({ "udp-bad-stranger": 6 });
});

Deno.test("with the association its strangers are gone, too", () => {
  const script = opened().answerFrom("192.0.2.1", 5, 1, 1).expect("1x1").end();
  script.answerFrom("192.0.2.1", 5, 1, 1).expect().drops({ "udp-bad-stranger": 1 });
});

Deno.test("strangers fill the queue towards the device no further than anybody", () => {
  const script = opened({ limits: { inboundDatagramBytes: 3000 } });
  for (let i = 1; i <= 5; i++) script.answerFrom(`192.0.2.${i}`, 5, i, 1000);
  script.expect("3x1000", "4x1000", "5x1000").drops({ "limit-inbound-datagrams": 2 });
});

Deno.test("a stranger's datagram longer than the path comes in pieces", () => {
  opened().answerFrom("192.0.2.1", 5, 1, 4000).expect("1x4000 in 3");
});
