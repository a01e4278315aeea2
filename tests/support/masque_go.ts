/**
 * masque-go, the MASQUE library on quic-go: its CONNECT-UDP proxy, its client, and an HTTP/3 origin. Built by `go`, which keeps what it
 * has built, so that only the first time takes long.
 *
 * @module
 */

import { CERT, KEY } from "./certificate.ts";
import { type Process, startProcess } from "./process.ts";
import type { Certificate } from "./servers.ts";
import { runTool } from "./tools.ts";

const SOURCE = new URL("masque_go/", import.meta.url).pathname;
const START_TIMEOUT_MS = 20_000;

/** The program, and a certificate for loopback that its servers show and its client trusts. */
export interface MasqueGo extends AsyncDisposable {
  readonly certificate: Certificate;
  /** Starts a server on a free UDP port of 127.0.0.1. */
  start(role: "proxy" | "origin"): Promise<MasqueGoServer>;
  /** Fetches `url` over HTTP/3 through the proxy of this template; gives status and length of the body. */
  get(template: string, url: string, caFile?: string): Promise<{ status: number; length: number }>;
}

/** A server of it. */
export interface MasqueGoServer extends AsyncDisposable {
  readonly port: number;
  /** `127.0.0.1:port`. */
  readonly authority: string;
  readonly process: Process;
}

/** Builds the program. Needs `go`. */
export async function buildMasqueGo(): Promise<MasqueGo> {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "pseudotcp-masque-go-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const program = `${folder}/masque_go`;
  await runTool("go", "-C", SOURCE, "build", "-o", program, ".");
  const certificate = { caFile: `${folder}/certificate.pem`, keyFile: `${folder}/key.pem` };
  await Deno.writeTextFile(certificate.caFile, CERT);
  await Deno.writeTextFile(certificate.keyFile, KEY);
  const kept = stack.move();
  return {
    certificate,
    start: (role) => startRole(program, role, certificate),
    get: (template, url, caFile = certificate.caFile) => get(program, caFile, template, url),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function startRole(
  program: string,
  role: string,
  { caFile, keyFile }: Certificate,
): Promise<MasqueGoServer> {
  const process = startProcess(program, [role, "-cert", caFile, "-key", keyFile]);
  try {
    const [, port] = await process.waitFor(/^listening (\d+)/m, START_TIMEOUT_MS);
    return {
      port: Number(port),
      authority: `127.0.0.1:${port}`,
      process,
      [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
    };
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
}

async function get(program: string, caFile: string, template: string, url: string) {
  const seconds = "30"; // it would wait for ever for a proxy that says nothing
  const words = [program, "get", "-ca", caFile, "-template", template, url];
  const said = await runTool("timeout", seconds, ...words);
  const [status, length] = said.trim().split(" ").map(Number);
  return { status, length };
}
