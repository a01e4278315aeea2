/**
 * Goproxy: CONNECT on Go's own HTTP/1.1 and HTTP/2. Built by `go`, which keeps what it has built.
 *
 * @module
 */

import { CERT, KEY } from "./certificate.ts";
import { startProcess } from "./process.ts";
import type { TlsServer } from "./servers.ts";
import { runTool } from "./tools.ts";

const SOURCE = new URL("goproxy/", import.meta.url).pathname;
const START_TIMEOUT_MS = 20_000;

/** Builds and starts it. Needs `go`. */
export async function startGoproxy(): Promise<TlsServer> {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "pseudotcp-goproxy-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const [caFile, keyFile] = [`${folder}/certificate.pem`, `${folder}/key.pem`];
  await Deno.writeTextFile(caFile, CERT);
  await Deno.writeTextFile(keyFile, KEY);
  const program = `${folder}/goproxy`;
  await runTool("go", "-C", SOURCE, "build", "-o", program, ".");
  const process = stack.use(startProcess(program, ["-cert", caFile, "-key", keyFile]));
  const [, port] = await process.waitFor(/^listening (\d+)/m, START_TIMEOUT_MS);
  const kept = stack.move();
  return {
    hostname: "127.0.0.1",
    port: Number(port),
    authority: `127.0.0.1:${port}`,
    process,
    caFile,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
