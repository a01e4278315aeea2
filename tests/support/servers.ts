/**
 * Real servers on free loopback ports, each with its configuration in a folder of its own. They end with their test.
 *
 * @module
 */

import { type Process, startProcess } from "./process.ts";
import { runTool } from "./tools.ts";

/** How long a server may take until it accepts: a cold start on two busy cores. */
const START_TIMEOUT_MS = 20_000;

/** How often a starting server is asked. */
const ASK_EVERY_MS = 25;

/** A server that accepts connections. */
export interface Server extends AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
  /** `hostname:port`. */
  readonly authority: string;
  /** The server's process. */
  readonly process: Process;
}

/** A server with TLS. */
export interface TlsServer extends Server {
  /** The certificate to trust, as a PEM file. */
  readonly caFile: string;
}

/** What a server is started with: its command, made once the port and the folder are known. */
export type Plan = (
  port: number,
  folder: string,
) => Promise<readonly [command: string, ...args: string[]]>;

/** Starts a server on a free port, and waits until it accepts. */
export async function startServer(plan: Plan): Promise<Server> {
  const stack = new AsyncDisposableStack();
  try {
    const folder = await Deno.makeTempDir({ prefix: "pseudotcp-server-" });
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    await Deno.chmod(folder, 0o777); // a server started by root may write as its own user
    const hostname = "127.0.0.1";
    const port = freePort();
    const [command, ...args] = await plan(port, folder);
    const process = stack.use(startProcess(command, args, { cwd: folder }));
    await untilItAccepts(hostname, port, process);
    return {
      hostname,
      port,
      authority: `${hostname}:${port}`,
      process,
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** A certificate for `localhost` and the loopback addresses, signed by itself. */
export interface Certificate {
  readonly keyFile: string;
  readonly caFile: string;
}

/** Makes a certificate in `folder`. */
export async function makeCertificate(folder: string): Promise<Certificate> {
  const files = { keyFile: `${folder}/key.pem`, caFile: `${folder}/certificate.pem` };
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1";
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  // rustls takes no authority for a server.
  const server = ["-addext", names, "-addext", "basicConstraints=critical,CA:FALSE"];
  const subject = ["-subj", "/CN=localhost", ...server, "-days", "2"];
  const out = ["-keyout", files.keyFile, "-out", files.caFile];
  await runTool("openssl", "req", "-x509", ...key, ...subject, ...out);
  return files;
}

/** Starts a server that gets a certificate made for it. */
export async function startTlsServer(
  plan: (files: Certificate) => Plan,
): Promise<TlsServer> {
  let caFile = "";
  const server = await startServer(async (port, folder) => {
    const files = await makeCertificate(folder);
    caFile = files.caFile;
    return await plan(files)(port, folder);
  });
  return { ...server, caFile };
}

/** A port that is free at this moment. Ports are handed out in turn, so it stays free long enough. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function untilItAccepts(hostname: string, port: number, process: Process): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  let ended = false;
  process.status.then(() => ended = true);
  while (!await accepts(hostname, port)) {
    if (ended) throw new Error(`The server ended before it accepted:\n${process.said()}`);
    if (performance.now() > deadline) {
      throw new Error(
        `The server did not accept within ${START_TIMEOUT_MS} ms:\n${process.said()}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}

async function accepts(hostname: string, port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname, port })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}
