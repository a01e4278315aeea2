/**
 * The whole road on one machine, in ten seconds: an origin, a MASQUE proxy, and an unmodified `curl` in a network of its own
 * whose only way out is PseudoTCP. No root and no other machine is needed.
 *
 *     deno task demo
 *
 * @module
 */

import { styleText } from "node:util";
import {
  connectProxy,
  createLog,
  describePacket,
  DeviceError,
  run,
  serveProxy,
  startInNamespace,
  tap,
} from "../mod.ts";

/** A name and two addresses that lead nowhere on the Internet (RFC 2606, RFC 5737, RFC 3849); the proxy leads them to the origin. */
const NAME = "origin.example";
const IPV4 = "203.0.113.80";
const IPV6 = "2001:db8::80";

/** Addresses of the device; the resolver beside them answers with made-up addresses of the same blocks. */
const ADDRESSES = ["198.18.0.1/15", "fd70:3c7b:a352::1/64"];
const RESOLVER = "198.18.0.2";

/** More packets than these of one run are counted only: a transfer looks the same from the tenth packet on. */
const SHOWN_PACKETS = 12;

const say = (text = "") => console.log(text);
const title = (text: string) => say(`\n${styleText("bold", text)}`);
const aside = (text: string) => say(styleText("dim", `  ${text}`));

const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A web server on loopback that greets whoever comes. */
function startOrigin(): Deno.HttpServer<Deno.NetAddr> {
  const greet = (request: Request) =>
    new Response(`Hello from the origin: you asked ${new URL(request.url).host} for it.\n`);
  return Deno.serve({ hostname: "::", port: 0, onListen: () => {} }, greet);
}

/** Runs one curl through `proxy`, showing its packets; its exit status. */
async function showCurl(url: string, proxy: Awaited<ReturnType<typeof connectProxy>>) {
  title(`$ curl ${url}`);
  await using program = await startInNamespace({
    command: ["curl", "--silent", "--show-error", "--max-time", "5", url],
    addresses: ADDRESSES,
    nameserver: RESOLVER,
  });
  let packets = 0;
  const device = tap(program.device, (direction, packet) => {
    if (++packets > SHOWN_PACKETS) return;
    const arrow = direction === "outbound" ? styleText("cyan", "->") : styleText("green", "<-");
    say(`  ${arrow} ${styleText("dim", describePacket(packet))}`);
  });
  const log = createLog("debug", (_, line) => say(`  ${styleText("yellow", "**")} ${line}`));
  await using running = run(device, proxy, { log });
  program.go();
  const { code, problem } = await program.status;
  // curl is gone, and the FIN of the origin still on its way: let both ends meet.
  for (let i = 0; i < 100 && running.stats.flows > 0; i++) await delay(10);
  if (packets > SHOWN_PACKETS) aside(`and ${packets - SHOWN_PACKETS} packets more`);
  if (problem !== undefined) aside(problem);
  aside(`curl ended with status ${code}`);
  return code;
}

async function demo(): Promise<number> {
  const origin = startOrigin();
  const { port } = origin.addr;
  await using server = await serveProxy({
    token: "demo",
    allow: ["127.0.0.1/32", "::1/128"],
    hosts: { [NAME]: "127.0.0.1", [IPV4]: "127.0.0.1", [IPV6]: "::1" },
  });
  await using proxy = await connectProxy(server.url, {
    token: "demo",
    pin: server.certificateSha256,
  });
  title("PseudoTCP: packets in, flows out");
  say(`  An origin listens on loopback, port ${port}. A MASQUE proxy listens on ${server.url}.`);
  say(
    `  Each curl below gets a network of its own; its packets come to us, and go on as ${proxy.description}.`,
  );
  say(
    `  ${styleText("cyan", "->")} a packet of curl   ${
      styleText("green", "<-")
    } a packet to curl   ` +
      `${styleText("yellow", "**")} what became of the flow`,
  );

  let failed = 0;
  for (const host of [NAME, IPV4, `[${IPV6}]`]) {
    if (await showCurl(`http://${host}:${port}/`, proxy) !== 0) failed++;
  }
  title("And where nobody listens, the program is told so:");
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  closed.close();
  // 7 is curl's "could not connect", which is the truth.
  if (await showCurl(`http://${NAME}:${closed.addr.port}/`, proxy) !== 7) failed++;

  await origin.shutdown();
  title(
    failed === 0 ? "All of it went as it should." : `${failed} of 4 did not go as they should.`,
  );
  return failed === 0 ? 0 : 1;
}

try {
  Deno.exitCode = await demo();
} catch (error) {
  if (!(error instanceof DeviceError)) throw error;
  console.error(error.message);
  Deno.exitCode = 1;
}
