import { assertEquals } from "@std/assert";
import { Stack } from "../../../src/stack/stack.ts";
import { MAX_FRAME_LENGTH } from "../../../src/wire/virtio.ts";
import { ClientHost } from "../../support/client_host.ts";

for (
  const [name, source, destination] of [["IPv4", "198.18.0.1", "203.0.113.5"], [
    "IPv6",
    "fd00::1",
    "2001:db8::5",
  ]]
) {
  Deno.test(`a connection over ${name} opens, carries bytes both ways and closes`, () => {
    const stack = new Stack({ mtu: 1500, offload: false, secret: new Uint8Array(16) });
    const client = new ClientHost({ source, destination });
    const frame = new Uint8Array(MAX_FRAME_LENGTH);
    let now = 0;
    const events: string[] = [];
    let id = 0;
    const settle = () => {
      for (let i = 0; i < 1000; i++) {
        let moved = false;
        for (const out of client.poll(now)) {
          stack.handlePacket(out, out.length, now);
          moved = true;
        }
        for (let e; (e = stack.pollEvent()) !== undefined;) {
          events.push(e.type);
          if (e.type === "request") {
            id = e.id;
            assertEquals(e.destination, { hostname: destination, port: 443 });
          }
        }
        for (let length; (length = stack.pollPacket(frame, now)) > 0;) {
          client.take(frame.slice(0, length), now);
          moved = true;
        }
        now += 1;
        if (!moved) break;
      }
    };
    settle();
    assertEquals(events, ["request"]);
    stack.accept(id);
    settle();
    assertEquals(events, ["request", "opened"]);
    assertEquals(client.endpoint.state, "ESTABLISHED");
    const up = new Uint8Array(300_000).map((_, i) => i * 7);
    const down = new Uint8Array(400_000).map((_, i) => i * 13);
    client.endpoint.write(up.slice());
    stack.write(id, down.slice());
    settle();
    const read = (from: () => Uint8Array | string) => {
      const parts: number[] = [];
      for (let chunk; (chunk = from()) instanceof Uint8Array;) parts.push(...chunk);
      return new Uint8Array(parts);
    };
    assertEquals(read(() => stack.read(id)).every((b, i) => b === up[i]), true);
    const got = read(() => client.endpoint.read());
    assertEquals(got.length, down.length);
    assertEquals(got.every((b, i) => b === down[i]), true);
    client.endpoint.closeWrite();
    settle();
    assertEquals(stack.read(id), "end");
    stack.closeWrite(id);
    settle();
    assertEquals(client.endpoint.state, "TIME-WAIT");
    assertEquals(events.at(-1), "ended");
    assertEquals(stack.flowCount, 0);
    assertEquals([...stack.drops], []);
  });
}
