import { assert, assertEquals, assertThrows } from "@std/assert";
import { Stack } from "../../../src/stack/stack.ts";
import { MAX_FRAME_LENGTH } from "../../../src/wire/virtio.ts";
import { ClientHost } from "../../support/client_host.ts";
import { established, held, Script, streamBytes, SYN } from "../../support/script.ts";

Deno.test("a SYN beyond the table of flows is dropped and counted, and taken once there is room", () => {
  const script = held({ limits: { flows: 2 } }).send({ ...SYN, sourcePort: 2 }).events("request");
  script.send({ ...SYN, sourcePort: 3 }).expect().events().drops({ "limit-flows": 1 });
  assertEquals(script.stack.flowCount, 2);
  script.send({ flags: "R", seq: 1, sourcePort: 2 }).expect().events("ended: reset");
  script.send({ ...SYN, sourcePort: 3 }).events("request");
});

Deno.test("a SYN beyond the requests under way is dropped and counted, and taken once one is answered", () => {
  const script = held({ limits: { requests: 1 } });
  script.send({ ...SYN, sourcePort: 2 }).expect().events().drops({ "limit-requests": 1 });
  script.accept().expect("SA 0 ack 1 mss 1460").send({ ...SYN, sourcePort: 2 }).events("request");
});

Deno.test("every answer gives the place of a request back", () => {
  const script = new Script({ limits: { requests: 1, flows: 1 } });
  for (let port = 1; port <= 20; port++) {
    script.send({ ...SYN, sourcePort: port }).events("request");
    if (port % 4 === 0) script.send({ flags: "R", seq: 1, sourcePort: port });
    else if (port % 4 === 1) script.stack.refuse(script.id, "reset");
    else if (port % 4 === 2) script.stack.refuse(script.id, "host-unreachable");
    else script.stack.reset(script.id);
    script.drain();
    script.events("ended: reset");
  }
  assertEquals(script.stack.drops.get("limit-flows"), undefined);
  script.over();
});

Deno.test("a flow that is over counts as long as its bytes wait to be read", () => {
  const script = established({ limits: { flows: 1 } }).send({ seq: 1, data: 1000 })
    .send({ flags: "R", seq: 1001 }).events("ended: reset").expect();
  script.send({ ...SYN, sourcePort: 2 }).expect().events().drops({ "limit-flows": 1 });
  const { id } = script;
  assertEquals(script.readAll(), [1000, "reset"]);
  script.expect().send({ ...SYN, sourcePort: 2 }).events("request");
  assert(script.id > id);
});

Deno.test("an unread flow in TIME-WAIT whose ports are used again is read to its end", () => {
  const script = established().closeWrite().expect("FA 1 ack 1")
    .send({ flags: "FA", seq: 1, data: 10, ack: 2 }).expect("A 2 ack 12")
    .events("ended: finished");
  const first = script.id;
  script.renew(9000).send(SYN).events("request");
  assert(script.id !== first);
  assertEquals(script.stack.read(first), streamBytes(0, 10));
  assertEquals(script.stack.read(first), "end");
});

Deno.test("answers that nobody asked for are limited in rate", () => {
  const script = new Script({ limits: { repliesPerSecond: 2 } });
  for (let i = 0; i < 5; i++) script.send({ seq: 1, ack: 7 });
  script.expect("R 7", "R 7").drops({ "tcp-without-flow": 2, "limit-replies": 3 });
  script.until(500).send({ seq: 1, ack: 7 }).send({ seq: 1, ack: 7 }).expect("R 7");
});

Deno.test("no answer at all is a limit, too", () => {
  new Script({ limits: { repliesPerSecond: 0 } }).send({ seq: 1, ack: 7 }).expect()
    .drops({ "limit-replies": 1 });
});

Deno.test("answers that the device does not fetch are bounded", () => {
  const script = new Script({ limits: { replies: 2 } });
  for (let i = 0; i < 5; i++) script.send({ seq: 1, ack: 7 });
  script.drops({ "tcp-without-flow": 5, "limit-reply-queue": 3 }).expect("R 7", "R 7");
});

Deno.test("what waits for a reader is bounded by the window, whatever the program sends", () => {
  const script = established({ limits: { receiveBufferBytes: 10_000 } });
  for (let seq = 1; seq < 100_000; seq += 1000) script.send({ seq, data: 1000 });
  assertEquals(script.readAll()[0], 10_000);
});

Deno.test("a stack says what is wrong with its options", () => {
  const make = (options: object) => () =>
    new Stack({ mtu: 1500, offload: false, secret: new Uint8Array(16), ...options });
  assertThrows(make({ mtu: 1279 }), RangeError, '"1279"');
  assertThrows(make({ mtu: 65_536 }), RangeError, '"65536"');
  assertThrows(make({ mtu: NaN }), RangeError, '"NaN"');
  assertThrows(make({ secret: new Uint8Array(15) }), RangeError, "15 bytes");
  assertThrows(make({ addresses: ["localhost"] }), TypeError, '"localhost"');
});

Deno.test("a thousand flows live side by side, each with its own bytes", () => {
  const stack = new Stack({ mtu: 1500, offload: false, secret: new Uint8Array(16) });
  const frame = new Uint8Array(MAX_FRAME_LENGTH);
  const portOf = new Map<number, number>();
  const clients = new Map<number, ClientHost>();
  for (let port = 1; port <= 1000; port++) {
    const client = new ClientHost({ sourcePort: port, destinationPort: 1 + port % 7 });
    clients.set(port, client);
  }
  const settle = (now: number) => {
    for (const client of clients.values()) {
      for (const out of client.poll(now)) stack.handlePacket(out, out.length, now);
    }
    for (let event; (event = stack.pollEvent()) !== undefined;) {
      if (event.type !== "request") continue;
      portOf.set(event.id, event.source.port);
      stack.accept(event.id);
    }
    for (let length; (length = stack.pollPacket(frame, now)) > 0;) {
      const packet = frame.slice(0, length);
      clients.get(packet[32] * 256 + packet[33])!.take(packet, now);
    }
  };
  for (let now = 0; now < 5; now++) settle(now);
  assertEquals(stack.flowCount, 1000);
  for (const client of clients.values()) {
    client.endpoint.write(new Uint8Array(50).fill(client.sourcePort));
  }
  for (let now = 5; now < 9; now++) settle(now);
  for (const [id, port] of portOf) {
    const found = stack.read(id);
    assertEquals(found, new Uint8Array(50).fill(port));
  }
  assertEquals([...stack.drops], []);
});
