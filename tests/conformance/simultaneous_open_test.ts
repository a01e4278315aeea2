import { assertEquals } from "@std/assert";
import { ClientHost } from "../support/client_host.ts";
import { decode } from "../support/naive_packet.ts";

/** Two endpoints that call each other. */
function crossing() {
  const a = new ClientHost({ iss: 100, sourcePort: 1, destinationPort: 2 });
  const b = new ClientHost({
    iss: 300,
    source: "203.0.113.5",
    destination: "198.18.0.1",
    sourcePort: 2,
    destinationPort: 1,
  });
  /** One flight of each, crossing on the way: as lines. */
  const cross = (now: number): string[] => {
    const [fromA, fromB] = [a.poll(now), b.poll(now)];
    for (const frame of fromA) b.take(frame, now);
    for (const frame of fromB) a.take(frame, now);
    const line = (frame: Uint8Array) => {
      const { flags, seq, ack } = decode(frame);
      return `${flags} ${seq} ${ack}`;
    };
    return [...fromA, ...fromB].map(line);
  };
  return { a: a.endpoint, b: b.endpoint, cross };
}

Deno.test("RFC 9293 MUST-10: two endpoints that call each other at once open one connection, and fall silent", () => {
  const { a, b, cross } = crossing();
  assertEquals(cross(0), ["S 100 0", "S 300 0"]);
  assertEquals([a.state, b.state], ["SYN-RECEIVED", "SYN-RECEIVED"]);
  assertEquals(cross(10), ["SA 100 301", "SA 300 101"]);
  assertEquals([a.state, b.state], ["ESTABLISHED", "ESTABLISHED"]);
  assertEquals(cross(20), ["A 101 301", "A 301 101"]);
  for (let now = 30; now < 100; now += 10) assertEquals(cross(now), []);
  assertEquals([a.nextTimeout(), b.nextTimeout()], [Infinity, Infinity]);
  a.write(new Uint8Array(5).fill(1));
  b.write(new Uint8Array(6).fill(2));
  cross(100);
  assertEquals([a.read(), b.read()], [new Uint8Array(6).fill(2), new Uint8Array(5).fill(1)]);
});

Deno.test("RFC 9293 MUST-10: of two SYNs that crossed one may be lost with its answer, and the connection opens all the same", () => {
  for (let lost = 0; lost < 6; lost++) {
    const a = new ClientHost({ iss: 100 });
    const b = new ClientHost({
      iss: 300,
      source: "203.0.113.5",
      destination: "198.18.0.1",
      sourcePort: 443,
      destinationPort: 40_000,
    });
    let [count, now] = [0, 0];
    for (let turn = 0; turn < 40; turn++) {
      const frames = [a.poll(now), b.poll(now)];
      frames.forEach((each, from) =>
        each.forEach((frame) => {
          if (count++ !== lost) [b, a][from].take(frame, now);
        })
      );
      if (frames.flat().length > 0) continue;
      now = Math.min(a.endpoint.nextTimeout(), b.endpoint.nextTimeout());
      if (now === Infinity) break;
      for (const { endpoint } of [a, b]) endpoint.handleTimeout(now);
    }
    assertEquals([a.endpoint.state, b.endpoint.state], ["ESTABLISHED", "ESTABLISHED"], `${lost}`);
  }
});

Deno.test("RFC 9293 MUST-11: a RST refuses the side that called, also when a SYN that crossed has brought it to SYN-RECEIVED", () => {
  const { a, b, cross } = crossing();
  cross(0);
  assertEquals(a.state, "SYN-RECEIVED");
  b.reset();
  assertEquals(cross(10).filter((line) => line.startsWith("R")), ["RA 301 101"]);
  assertEquals([a.state, a.endReason, a.read()], ["CLOSED", "reset", "reset"]);
  assertEquals(a.nextTimeout(), Infinity);
});
