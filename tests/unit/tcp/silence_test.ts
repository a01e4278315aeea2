import { assertEquals, assertThrows } from "@std/assert";
import { established, SYN, synReceived } from "../../support/script.ts";
import { ClientHost } from "../../support/client_host.ts";
import { Stack } from "../../../src/stack/stack.ts";
import type { TcpSettings } from "../../../src/tcp/settings.ts";
import { MAX_FRAME_LENGTH } from "../../../src/wire/virtio.ts";

const KEEP_ALIVE = { tcp: { keepAlive: { idleMs: 60_000, intervalMs: 10_000, probes: 2 } } };

Deno.test("keep-alive is off: a silent flow is left alone for days", () => {
  established().until(7 * 86_400_000);
});

Deno.test("keep-alive asks after the silence, and again, and resets who does not answer", () => {
  const script = established(KEEP_ALIVE);
  script.until(90_000, "60000: A 0 ack 1", "70000: A 0 ack 1", "80000: RA 1 ack 1");
  script.events("ended: timeout").over();
});

Deno.test("an answer to keep-alive begins the silence anew", () => {
  const script = established(KEEP_ALIVE).until(60_000, "60000: A 0 ack 1");
  script.send({ seq: 1, ack: 1 }).until(119_000).until(121_000, "120000: A 0 ack 1");
  script.send({ seq: 1, data: 10 }).expect("A 1 ack 11").until(181_500, "181000: A 0 ack 11");
});

Deno.test("keep-alive is silent while data waits for an answer, which has a timeout of its own", () => {
  const script = established(KEEP_ALIVE, { ...SYN, window: 0 });
  script.write(10);
  const lines: string[] = [];
  while (script.now < 100_000) {
    script.now = script.stack.nextTimeout();
    script.stack.handleTimeout(script.now);
    lines.push(...script.drain());
    script.send({ seq: 1, ack: 1, window: 0 });
  }
  assertEquals(lines.every((line) => line === "A 1+1 ack 1"), true);
});

Deno.test("the user timeout is a setting: data without an answer for so long ends with a RST (RFC 5482)", () => {
  const script = established({ tcp: { userTimeoutMs: 1000 } });
  script.write(100);
  script.expect("PA 1+100 ack 1").until(
    10_000,
    "200: PA 1+100 ack 1",
    "600: PA 1+100 ack 1",
    "1400: RA 101 ack 1",
  );
  script.events("ended: timeout").over();
});

Deno.test("the user timeout does not end a handshake early, nor a flow that answers", () => {
  synReceived({ tcp: { userTimeoutMs: 10 } }).until(1100, "1000: SA 0 ack 1 mss 1460");
  const script = established({ tcp: { userTimeoutMs: 1000 } }, { ...SYN, window: 0 });
  script.write(10);
  for (let at = 100; at < 60_000; at += 100) {
    script.now = at;
    script.stack.handleTimeout(at);
    if (script.drain().length > 0) script.send({ seq: 1, ack: 1, window: 0 });
  }
  script.events();
});

/** Carries frames both ways until both are silent. */
function settle(stack: Stack, client: ClientHost, frame: Uint8Array, now: number): void {
  for (let isBusy = true; isBusy;) {
    isBusy = false;
    for (const each of client.poll(now)) {
      stack.handlePacket(each, each.length, now);
      isBusy = true;
    }
    for (let length; (length = stack.pollPacket(frame, now)) > 0;) {
      client.take(frame.slice(0, length), now);
      isBusy = true;
    }
  }
}

Deno.test("ten thousand idle flows have no deadline: they cost nothing until something happens", () => {
  const stack = new Stack({ mtu: 1500, offload: false, secret: new Uint8Array(16) });
  const frame = new Uint8Array(MAX_FRAME_LENGTH);
  for (let i = 0; i < 10_000; i++) {
    const client = new ClientHost({ sourcePort: 10_000 + i });
    settle(stack, client, frame, 0);
    for (let event; (event = stack.pollEvent()) !== undefined;) {
      if (event.type === "request") stack.accept(event.id);
    }
    settle(stack, client, frame, 0);
    const id = i + 1;
    stack.write(id, new Uint8Array(100));
    settle(stack, client, frame, 0);
    client.endpoint.write(new Uint8Array(100));
    settle(stack, client, frame, 0);
    stack.read(id);
  }
  assertEquals(stack.flowCount, 10_000);
  // What was set for the handshake, the data and the probes is looked at once when it comes, and then there is nothing.
  for (let turns = 0; stack.nextTimeout() !== Infinity; turns++) {
    const now = stack.nextTimeout();
    assertEquals(now < 61_000 && turns < 10, true, `a deadline at ${now}`);
    stack.handleTimeout(now);
    assertEquals(stack.pollPacket(frame, now), 0);
  }
  assertEquals(stack.flowCount, 10_000);
});

Deno.test("settings that make no sense are refused in words", () => {
  const make = (tcp: TcpSettings) => () =>
    new Stack({ mtu: 1500, offload: false, secret: new Uint8Array(16), tcp });
  assertThrows(make({ userTimeoutMs: 0 }), RangeError, 'Cannot use "0" as userTimeoutMs');
  assertThrows(make({ userTimeoutMs: NaN }), RangeError, '"NaN"');
  assertThrows(make({ keepAlive: { idleMs: 0 } }), RangeError, "keepAlive.idleMs");
  assertThrows(make({ keepAlive: { idleMs: 9, probes: -1 } }), RangeError, "keepAlive.probes");
  assertThrows(make({ congestion: "vegas" as "cubic" }), TypeError, "say cubic or newreno");
});
