/**
 * The race of versions, with versions that come, break and come back as the test likes.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { ProxyError } from "../../../../src/errors.ts";
import { unanswered } from "../../../../src/masque/outcome.ts";
import { MemoryClient } from "../../../../src/tunnel/local/memory.ts";
import { AutoClient } from "../../../../src/tunnel/road/auto.ts";
import type { AutoOptions } from "../../../../src/tunnel/road/auto_options.ts";
import type { RoadOptions, VersionClient } from "../../../../src/tunnel/road/version_client.ts";
import type { Target, TunnelResponse } from "../../../../src/tunnel/tunnel.ts";

const TARGET: Target = { hostname: "origin.example", port: 443 };
const forever = new AbortController().signal;
const gone = () => new ProxyError(unanswered("proxy_unreachable", "nobody is there"));

/** How a version behaves: it works, fails at once, never says anything, or says nothing and that is noticed. */
type Mood = "good" | "bad" | "mute" | "silent";

/** One version: a client in memory, and how its connections and its answers are. */
class Version {
  connecting: Mood = "good";
  answering: Mood = "good";
  opened = 0;
  asked = 0;
  /** Requests that were given up. */
  givenUp = 0;
  altSvc: string | undefined;
  /** Of the silence that was noticed last. */
  heard = Promise.withResolvers<boolean>();
  /** Ends a silence with the answers that were waited for. */
  spoke = Promise.withResolvers<void>();

  constructor(readonly name: "3" | "2") {}

  async connect(signal: AbortSignal): Promise<void> {
    await behave(this.connecting, signal);
  }

  async open(signal: AbortSignal): Promise<VersionClient> {
    this.opened++;
    await this.connect(signal);
    const memory = new MemoryClient();
    return Object.assign(Object.create(memory), {
      version: this.name,
      description: `HTTP/${this.name}`,
      connections: 1,
      renew: () => {},
      warm: (signal: AbortSignal) => this.connect(signal),
      close: () => memory.close(),
      connect: async (target: Target, options: RoadOptions = {}): Promise<TunnelResponse> => {
        this.asked++;
        options.signal?.addEventListener("abort", () => this.givenUp++);
        if (this.answering === "silent") {
          this.heard = Promise.withResolvers();
          options.onSilence?.({ heard: this.heard.promise });
          await Promise.race([this.spoke.promise, behave("mute", options.signal!)]);
        } else await behave(this.answering, options.signal ?? forever);
        const tunnel = await memory.connect(target, options);
        if (this.altSvc !== undefined) tunnel.headers.set("alt-svc", this.altSvc);
        return tunnel;
      },
    });
  }
}

function behave(mood: Mood, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (mood === "good") return Promise.resolve();
  if (mood === "bad") return Promise.reject(gone());
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

function setting(options: Partial<AutoOptions> = {}) {
  const [http3, tcp] = [new Version("3"), new Version("2")];
  const ports: (number | undefined)[] = [];
  const told: string[] = [];
  const auto: AutoOptions = {
    climb: {
      hurry: () => {},
      open: (port, signal) => {
        ports.push(port);
        return http3.open(signal);
      },
    },
    openTcp: (signal) => tcp.open(signal),
    port: 443,
    headStartMs: 20,
    climbMs: 20,
    onChange: (words) => told.push(words),
    ...options,
  };
  return { http3, tcp, auto, ports, told };
}

/** Waits until `is` is, for as long as a busy machine may take. */
async function until(is: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!is()) {
    if (performance.now() > deadline) throw new Error(`It never came to ${is}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function open(client: AutoClient): Promise<void> {
  const tunnel = await client.connect(TARGET);
  assert(tunnel.ok);
}

Deno.test("HTTP/3 that works is taken, and TCP is not even tried", async () => {
  const { http3, tcp, auto } = setting({ headStartMs: 60_000 });
  await using client = await AutoClient.start(auto, forever);
  await open(client);
  assertEquals([client.version, http3.asked, tcp.opened], ["3", 1, 0]);
});

Deno.test("Where UDP is swallowed, TCP carries after the head start, and the attempt goes on", async () => {
  const { http3, tcp, auto, told } = setting();
  http3.connecting = "mute";
  await using client = await AutoClient.start(auto, forever);
  await open(client);
  assertEquals([client.version, client.description, tcp.asked], ["2", "HTTP/2", 1]);
  assertEquals(told, []);
});

Deno.test("Where HTTP/3 is refused, TCP does not wait for the head start", async () => {
  const { http3, tcp, auto } = setting({ headStartMs: 60_000 });
  http3.connecting = "bad";
  await using client = await AutoClient.start(auto, forever);
  await open(client);
  assertEquals([client.version, tcp.asked], ["2", 1]);
});

Deno.test("HTTP/3 is tried again later, and taken when it works", async () => {
  const { http3, auto, told } = setting();
  http3.connecting = "bad";
  await using client = await AutoClient.start(auto, forever);
  const alive = setInterval(() => {}, 1_000); // the timer inside keeps no process alive
  await until(() => http3.opened > 2);
  http3.connecting = "good";
  await until(() => client.version === "3");
  clearInterval(alive);
  await open(client);
  assertEquals([http3.asked, told], [1, ["New flows take HTTP/3 again"]]);
});

Deno.test("A request that HTTP/3 breaks is asked over TCP, unseen", async () => {
  const { http3, tcp, auto, told } = setting({ climbMs: 60_000 });
  await using client = await AutoClient.start(auto, forever);
  http3.answering = "bad";
  await open(client);
  await open(client);
  assertEquals([http3.asked, tcp.asked, client.version], [1, 2, "2"]);
  assertEquals(told, ["HTTP/3 is broken, so new flows go over TCP"]);
});

Deno.test("Requests without an answer change over when no connection of HTTP/3 is to be had", async () => {
  const { http3, tcp, auto } = setting({ climbMs: 60_000 });
  await using client = await AutoClient.start(auto, forever);
  http3.answering = http3.connecting = "mute";
  await Promise.all(Array.from({ length: 10 }, () => open(client)));
  assertEquals([http3.asked, tcp.asked, tcp.opened], [10, 10, 1]);
});

Deno.test("An origin may take its time: as long as connections are to be had, the answer is waited for", async () => {
  const { http3, tcp, auto } = setting();
  await using client = await AutoClient.start(auto, forever);
  http3.answering = "mute";
  const patience = new AbortController();
  const asked = client.connect(TARGET, { signal: patience.signal });
  setTimeout(() => patience.abort(new Error("enough")), 500);
  await assertRejects(() => asked, Error, "enough");
  assertEquals([client.version, tcp.asked], ["3", 0]);
});

Deno.test("A request that HTTP/3 meets with silence is asked over TCP, too, and new ones only there", async () => {
  const { http3, tcp, auto, told } = setting({ climbMs: 60_000 });
  await using client = await AutoClient.start(auto, forever);
  http3.answering = "silent";
  await open(client);
  await open(client);
  assertEquals([http3.asked, http3.givenUp, tcp.asked, client.version], [1, 1, 2, "2"]);
  http3.answering = "good";
  http3.heard.resolve(true);
  await until(() => client.version === "3");
  await open(client);
  assertEquals([http3.asked, tcp.asked, tcp.givenUp], [2, 2, 0]);
  assertEquals(told, [
    "HTTP/3 is silent, so new flows go over TCP until it speaks",
    "New flows take HTTP/3 again",
  ]);
});

Deno.test("A silence that ends with the connection is HTTP/3 broken", async () => {
  const { http3, auto, told } = setting({ climbMs: 60_000 });
  await using client = await AutoClient.start(auto, forever);
  http3.answering = "silent";
  await open(client);
  http3.heard.resolve(false);
  await until(() => told.length === 2);
  assertEquals(told[1], "HTTP/3 is broken, so new flows go over TCP");
});

Deno.test("Behind a silence whichever road answers first counts, and the other request is given up", async () => {
  const { http3, tcp, auto } = setting({ climbMs: 60_000 });
  await using client = await AutoClient.start(auto, forever);
  http3.answering = "silent";
  tcp.answering = "mute";
  const asked = client.connect(TARGET);
  await until(() => tcp.asked === 1);
  http3.spoke.resolve();
  const tunnel = await asked;
  assert(tunnel.ok);
  assertEquals([http3.givenUp, tcp.givenUp], [0, 1]);
});

Deno.test("Behind a silence a failure of TCP is no answer, unless HTTP/3 fails as well", async () => {
  const { http3, tcp, auto } = setting({ climbMs: 60_000 });
  await using client = await AutoClient.start(auto, forever);
  http3.answering = "silent";
  tcp.connecting = "bad";
  const asked = client.connect(TARGET);
  await until(() => tcp.opened === 1);
  http3.spoke.resolve();
  assert((await asked).ok);

  const other = setting({ climbMs: 60_000 });
  await using unlucky = await AutoClient.start(other.auto, forever);
  other.http3.answering = "silent";
  other.tcp.connecting = "bad";
  const lost = unlucky.connect(TARGET);
  await until(() => other.tcp.opened === 1);
  other.http3.spoke.reject(gone());
  await assertRejects(() => lost, ProxyError, "nobody is there");
});

Deno.test("Alt-Svc on another port makes another attempt there, once", async () => {
  const { http3, tcp, auto, ports } = setting({ climbMs: 60_000 });
  http3.connecting = "bad";
  tcp.altSvc = 'h3=":8443"; ma=60';
  await using client = await AutoClient.start(auto, forever);
  await open(client);
  await until(() => ports.length === 2);
  await open(client);
  await open(client);
  assertEquals(ports, [undefined, 8443]);
  http3.connecting = "good";
  tcp.altSvc = "clear";
  await open(client);
  tcp.altSvc = 'h3=":9443", h2="other.example:443"';
  await open(client);
  await until(() => client.version === "3");
  assertEquals(ports, [undefined, 8443, 9443]);
});

Deno.test("A new network makes another attempt at once", async () => {
  const { http3, auto } = setting({ climbMs: 60_000 });
  http3.connecting = "bad";
  await using client = await AutoClient.start(auto, forever);
  http3.connecting = "good";
  client.renew(() => false);
  await until(() => client.version === "3");
});

Deno.test("Where nothing works, TCP says why; and a signal ends the race", async () => {
  const { http3, tcp, auto } = setting();
  http3.connecting = tcp.connecting = "bad";
  await assertRejects(() => AutoClient.start(auto, forever), ProxyError, "nobody is there");
  http3.connecting = tcp.connecting = "mute";
  const patience = new AbortController();
  const started = AutoClient.start(auto, patience.signal);
  setTimeout(() => patience.abort(new Error("enough")), 30);
  await assertRejects(() => started, Error, "enough");
});

Deno.test("After close nothing is tried any more", async () => {
  const { http3, auto } = setting({ climbMs: 1 });
  http3.connecting = "bad";
  const client = await AutoClient.start(auto, forever);
  await client.close();
  const { opened } = http3;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(http3.opened, opened);
});
