import { assertEquals } from "@std/assert";
import { DEFAULT_LIMITS } from "../../src/stack/limits.ts";
import type { CongestionName } from "../../src/tcp/settings.ts";
import { decode } from "../support/naive_packet.ts";
import { seededRandom } from "../unit/random.ts";
import { App, type AppOptions } from "./app.ts";
import { EndpointHost, StackHost } from "./hosts.ts";
import { burstLoss, delay, duplicate, loss, type Node, rate, reorder } from "./link.ts";
import { type Observer, World } from "./world.ts";

/** One transfer between the stack and an endpoint of ours. */
interface Transfer {
  readonly bytes: number;
  /** The way of the data, and the way of the acknowledgments. */
  readonly forth: readonly Node[];
  readonly back: readonly Node[];
  readonly congestion?: CongestionName;
  /** What queues and windows may grow to on both sides: 1 MiB, so that the tables tell of the congestion control alone. */
  readonly bufferBytes?: number;
  /** The endpoint sends, and the stack receives. */
  readonly isUpload?: boolean;
  readonly mtu?: number;
}

/** Counts the bytes of one side's data, and those that were sent before. */
class Repetitions implements Observer {
  repeatedBytes = 0;
  segments = 0;
  firstAt = -1;
  /** When the latest data came to the other side, and how many bytes of it there were. */
  readonly arrivals: [at: number, bytes: number][] = [];
  readonly #sender: number;
  #iss = 0;
  #highest = 0;

  constructor(sender: number) {
    this.#sender = sender;
  }

  onSent(host: number, frame: Uint8Array, now: number): void {
    if (host !== this.#sender) return;
    const { flags, seq, payload } = decode(frame);
    if (flags.includes("S")) this.#iss = seq;
    if (payload.length === 0) return;
    if (this.firstAt < 0) this.firstAt = now;
    this.segments++;
    const start = (seq - this.#iss) >>> 0;
    this.repeatedBytes += Math.max(Math.min(this.#highest - start, payload.length), 0);
    this.#highest = Math.max(this.#highest, start + payload.length);
  }

  onTaken(host: number, frame: Uint8Array, now: number): void {
    if (host !== this.#sender) this.arrivals.push([now, frame.length]);
  }
}

/** Runs a transfer; the time counts from the first byte, so that a lost SYN does not. */
function run(transfer: Transfer, seed = 1): { mbits: number; sent: Repetitions } {
  const { bytes, bufferBytes = 1 << 20, mtu = 1500, congestion, isUpload = false } = transfer;
  const app: Omit<AppOptions, "side" | "sendBytes" | "expectBytes"> = {
    maxWriteBytes: 65_536,
    readPauseMs: 0,
    writePauseMs: 0,
    answers: false,
  };
  const random = seededRandom(seed);
  const apps = [
    new App({ ...app, side: 0, ...sizes(isUpload, bytes) }, random),
    new App({ ...app, side: 1, ...sizes(!isUpload, bytes) }, random),
  ];
  const limits = { receiveBufferBytes: bufferBytes, sendBufferBytes: bufferBytes };
  const stack = new StackHost(
    { mtu, offload: false, secret: new Uint8Array(16), limits, tcp: { congestion } },
    apps[1],
    0,
  );
  const peer = new EndpointHost({ ...limits, mtu }, apps[0]);
  const sent = new Repetitions(isUpload ? 0 : 1);
  const { forth, back } = transfer;
  const links = isUpload ? [forth, back] as const : [back, forth] as const;
  const world = new World(seed, [peer, stack], links, [sent]);
  world.run(3_600_000, () => apps.every((each) => each.isDone));
  return { mbits: bytes * 8 / 1000 / (world.now - sent.firstAt), sent };
}

function sizes(sends: boolean, bytes: number): { sendBytes: number; expectBytes: number } {
  return sends ? { sendBytes: bytes, expectBytes: 0 } : { sendBytes: 0, expectBytes: bytes };
}

const LOSSES = [0, 0.001, 0.01, 0.02, 0.05, 0.1];

Deno.test("throughput against loss is what the table says", async (t) => {
  const rows = [
    "1.5 MB over 100 Mbit/s with a queue of 200 kB, in Mbit/s; round trips of 2, 20 and 100 ms",
    "",
    "              CUBIC                      NewReno                    MSS/RTT/sqrt(2p/3)",
  ];
  for (const p of LOSSES) {
    const cells = (["cubic", "newreno"] as const).map((congestion) =>
      [1, 10, 50].map((ms) =>
        run({
          bytes: 1_500_000,
          congestion,
          forth: [rate(100e6, 200_000), delay(ms), loss(p)],
          back: [delay(ms)],
        }).mbits
      )
    );
    // Mathis and others: what the rule "half at a loss, a segment more each round trip" gives, without timeouts.
    const theory = [1, 10, 50].map((ms) =>
      Math.min(100, p === 0 ? 100 : 1460 * 8 / 1000 / (2 * ms) / Math.sqrt(2 * p / 3))
    );
    const columns = [...cells, theory].map((column) =>
      column.map((each) => each.toFixed(2).padStart(8)).join("")
    );
    rows.push(`${(p * 100).toFixed(1).padStart(4)}% ${columns.join("   ")}`);
  }
  await t.assertSnapshot(rows.join("\n"));
});

Deno.test("throughput over links that burst, reorder and duplicate is what the table says", async (t) => {
  const links: Record<string, () => Node[]> = {
    "clean": () => [],
    "bursts": () => [burstLoss(0.005, 0.3)],
    "reorder 2 % by 5 ms": () => [reorder(0.02, 5)],
    "reorder 20 % by 5 ms": () => [reorder(0.2, 5)],
    "reorder 2 % by 30 ms": () => [reorder(0.02, 30)],
    "duplicate 5 %": () => [duplicate(0.05)],
    "all of it": () => [burstLoss(0.005, 0.3), reorder(0.02, 5), duplicate(0.01)],
  };
  const rows = [
    "1.5 MB over 50 Mbit/s with a long queue, 40 ms",
    "",
    "                        Mbit/s   repeated",
  ];
  for (const [name, nodes] of Object.entries(links)) {
    const { mbits, sent } = run({
      bytes: 1_500_000,
      forth: [rate(50e6, 2_000_000), delay(20), ...nodes()],
      back: [delay(20)],
    });
    const repeated = (100 * sent.repeatedBytes / 1_500_000).toFixed(2);
    rows.push(`${name.padEnd(22)}${mbits.toFixed(2).padStart(8)}${repeated.padStart(9)} %`);
  }
  await t.assertSnapshot(rows.join("\n"));
});

Deno.test("where packets are only late next to nothing is repeated", () => {
  for (const seed of [1, 2, 3]) {
    const { sent } = run({
      bytes: 1_500_000,
      forth: [delay(20), reorder(0.05, 8)],
      back: [delay(20)],
    }, seed);
    assertEquals(sent.repeatedBytes / 1_500_000 < 0.005, true, `${sent.repeatedBytes} bytes`);
  }
});

for (const isUpload of [false, true]) {
  const name = isUpload ? "to the stack" : "from the stack";
  Deno.test(`queues and windows grow until a path of 1 Gbit/s and 100 ms is filled, ${name}`, () => {
    const { sent } = run({
      bytes: 48_000_000,
      mtu: 9000,
      bufferBytes: DEFAULT_LIMITS.receiveBufferBytes,
      isUpload,
      forth: [rate(1e9, 8_000_000), delay(50)],
      back: [delay(50)],
    });
    assertEquals(sent.repeatedBytes, 0);
    const last = sent.arrivals.slice(-2000);
    const bytes = last.reduce((sum, [, each]) => sum + each, 0);
    const mbits = bytes * 8 / 1000 / (last.at(-1)![0] - last[0][0]);
    assertEquals(mbits > 950, true, `${mbits.toFixed(0)} Mbit/s`);
  });
}
