import { assertEquals } from "@std/assert";
import { HANDSHAKE_ACK_UNACCEPTABLE } from "../../../src/tcp/handshake.ts";
import { ClientHost } from "../../support/client_host.ts";
import { decode, encode } from "../../support/naive_packet.ts";

/** An endpoint that opens actively, and what it sends. */
function opening() {
  const client = new ClientHost({ iss: 1000 });
  const sent = (now: number) =>
    client.poll(now).map((frame) => {
      const { flags, seq, ack } = decode(frame);
      return `${flags} ${seq} ${ack}`;
    });
  const take = (flags: string, seq: number, ack: number, now = 0) =>
    client.take(
      encode({
        source: client.destination,
        destination: client.source,
        sourcePort: client.destinationPort,
        destinationPort: client.sourcePort,
        seq,
        ack,
        flags,
        window: 1000,
        payload: new Uint8Array(0),
      }),
      now,
    );
  assertEquals(sent(0), ["S 1000 0"]);
  return { endpoint: client.endpoint, sent, take };
}

Deno.test("an active open sends a SYN and answers the SYN-ACK", () => {
  const { endpoint, sent, take } = opening();
  assertEquals(take("SA", 5000, 1001), undefined);
  assertEquals([endpoint.state, sent(0)], ["ESTABLISHED", ["A 1001 5001"]]);
});

Deno.test("two SYNs that cross open one connection (RFC 9293, figure 7)", () => {
  const { endpoint, sent, take } = opening();
  assertEquals(take("S", 5000, 0), undefined);
  assertEquals([endpoint.state, sent(0)], ["SYN-RECEIVED", ["SA 1000 5001"]]);
  assertEquals(take("A", 5001, 1001), undefined);
  assertEquals(endpoint.state, "ESTABLISHED");
});

Deno.test("a SYN-ACK of another number opens nothing", () => {
  const { endpoint, take } = opening();
  // The stack around it answers these with a RST (RFC 9293, section 3.10.7.3).
  assertEquals(take("SA", 5000, 1002), HANDSHAKE_ACK_UNACCEPTABLE);
  assertEquals(take("SA", 5000, 1000), HANDSHAKE_ACK_UNACCEPTABLE);
  assertEquals(take("A", 5000, 1001), "tcp-no-syn");
  assertEquals(endpoint.state, "SYN-SENT");
});

Deno.test("a RST refuses an active open only when it acknowledges the SYN", () => {
  const { endpoint, take } = opening();
  assertEquals(take("R", 0, 0), "tcp-reset-out-of-window");
  assertEquals(take("RA", 0, 77), "tcp-reset-out-of-window");
  assertEquals(endpoint.state, "SYN-SENT");
  assertEquals(take("RA", 0, 1001), undefined);
  assertEquals([endpoint.state, endpoint.read()], ["CLOSED", "reset"]);
});

Deno.test("a SYN without answer is repeated, and given up after three minutes", () => {
  const { endpoint, sent } = opening();
  const times: number[] = [];
  for (let due; (due = endpoint.nextTimeout()) !== Infinity;) {
    endpoint.handleTimeout(due);
    for (const line of sent(due)) if (line.startsWith("S ")) times.push(due);
  }
  assertEquals(times, [1000, 3000, 7000, 15_000, 31_000, 63_000, 123_000]);
  assertEquals([endpoint.state, endpoint.endReason], ["CLOSED", "timeout"]);
});
