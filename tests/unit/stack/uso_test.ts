import { assertEquals } from "@std/assert";
import { datagramFrame } from "../../support/naive_udp.ts";
import { opened, payload, UdpScript } from "../../support/udp_script.ts";

const USO = { offload: true, udpOffload: true } as const;

for (const family of [4, 6] as const) {
  Deno.test(`a super-packet of the program is many datagrams, the last one maybe shorter, over IPv${family}`, () => {
    const script = new UdpScript(USO).send(1, 2500, { family, segmentSize: 1000 });
    script.events("request").accept();
    const whole = payload(1, 2500);
    const seen: Uint8Array[] = [];
    script.stack.associations.listen(script.id, (data) => seen.push(data.slice()));
    assertEquals(seen, [whole.slice(0, 1000), whole.slice(1000, 2000), whole.slice(2000)]);
    script.send(9, 2000, { family, segmentSize: 1000 }).drops();
    assertEquals(seen.length, 5);
  });

  Deno.test(`answers of one length leave as one super-packet, over IPv${family}`, () => {
    const script = new UdpScript(USO).send(1, 10, { family }).events("request").accept();
    script.answer(1, 1200).answer(2, 1200).answer(3, 1200).answer(4, 700).expect(
      "1x1200 2x1200 3x1200 4x700",
    );
  });
}

Deno.test("a listener sees views of the frame: nothing is copied on the way out", () => {
  const script = opened(USO);
  const frame = datagramFrame({ data: payload(1, 3000), segmentSize: 1000 });
  const buffers = new Set<ArrayBufferLike>();
  script.stack.associations.listen(script.id, (data) => buffers.add(data.buffer));
  script.give(frame);
  assertEquals([...buffers], [frame.buffer]);
});

Deno.test("a longer datagram, an empty one, and one of another association begin a frame of their own", () => {
  const script = opened(USO);
  const first = script.id;
  script.send(1, 10, { sourcePort: 99 }).events("request").accept();
  const second = script.id;
  script.answer(1, 100, first).answer(2, 200, first).answer(3, 200, first);
  script.expect("1x100", "2x200 3x200");
  script.answer(1, 100, first).answer(2, 0, first).answer(3, 100, first);
  script.expect("1x100", "nothing", "3x100");
  script.answer(1, 100, first).answer(2, 50, first).answer(3, 50, first);
  script.expect("1x100 2x50", "3x50");
  script.answer(1, 100, first).answer(2, 100, second).answer(3, 100, first);
  script.expect("1x100", "2x100", "3x100");
});

Deno.test("a super-packet has at most 64 pieces, and fits the longest packet", () => {
  const script = opened(USO);
  for (let i = 0; i < 130; i++) script.answer(i, 10);
  assertEquals(script.drain().map((word) => word.split(" ").length), [64, 64, 2]);
  for (let i = 0; i < 60; i++) script.answer(i, 1400);
  assertEquals(script.drain().map((word) => word.split(" ").length), [46, 14]);
});

Deno.test("pieces that a router may have to cut have identifications of their own", () => {
  const script = opened(USO);
  const frame = new Uint8Array(70_000);
  const identification = () => {
    script.stack.pollPacket(frame, 0);
    return frame[14] * 256 + frame[15];
  };
  script.answer(1, 100).answer(2, 100).answer(3, 100);
  const first = identification();
  script.answer(4, 100);
  assertEquals((identification() - first) & 0xffff, 3);
  assertEquals(frame[16] & 0x40, 0, "DF is clear");
});

Deno.test("a device without USO gets a frame for each, with or without its checksum", () => {
  opened({ offload: true }).answer(1, 100).answer(2, 100).expect("1x100", "2x100");
  opened().answer(1, 100).answer(2, 100).expect("1x100", "2x100");
});

Deno.test("what is longer than the path leaves in pieces, and never inside a super-packet", () => {
  const script = opened(USO).answer(1, 1400).answer(2, 3000).answer(3, 1400);
  script.expect("1x1400", "2x3000 in 3", "3x1400");
});
