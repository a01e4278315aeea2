/**
 * HTTP proxies that nobody here wrote, from Debian.
 *
 * @module
 */

import { type Server, startServer, startTlsServer, type TlsServer } from "./servers.ts";

/** Squid: CONNECT over HTTP/1.1 in the clear, to any port. */
export function startSquid(): Promise<Server> {
  return startServer(async (port, folder) => {
    const config = `${folder}/squid.conf`;
    await Deno.writeTextFile(
      config,
      `
http_port 127.0.0.1:${port}
http_access allow all
cache deny all
access_log none
cache_log ${folder}/cache.log
pid_filename ${folder}/squid.pid
coredump_dir ${folder}
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
visible_hostname squid.test
max_filedescriptors 8192
`,
    );
    return ["squid", "-N", "-d", "1", "-f", config];
  });
}

/** Tinyproxy: CONNECT over HTTP/1.1 in the clear, to any port. */
export function startTinyproxy(): Promise<Server> {
  return startServer(async (port, folder) => {
    const config = `${folder}/tinyproxy.conf`;
    await Deno.writeTextFile(
      config,
      `
Listen 127.0.0.1
Port ${port}
Timeout 600
MaxClients 2000
LogLevel Warning
Allow 127.0.0.1
`,
    );
    return ["tinyproxy", "-d", "-c", config];
  });
}

/** nghttpx in front of an HTTP/1.1 proxy: CONNECT over HTTP/2 and HTTP/1.1, by TLS. It wants a certificate of `clientCaFile`, where given. */
export function startNghttpx(backend: Server, clientCaFile?: string): Promise<TlsServer> {
  return startTlsServer(({ keyFile, caFile }) => (port) =>
    Promise.resolve([
      "nghttpx",
      "--conf=/dev/null",
      "--http2-proxy",
      `--frontend=127.0.0.1,${port}`,
      `--backend=127.0.0.1,${backend.port}`,
      "--workers=1",
      "--single-process",
      ...(clientCaFile ? ["--verify-client", `--verify-client-cacert=${clientCaFile}`] : []),
      "--accesslog-file=/dev/null",
      "--errorlog-file=/dev/stderr",
      keyFile,
      caFile,
    ])
  );
}
