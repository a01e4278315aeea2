import { assertEquals } from "@std/assert";

/** Raw frames: HTTP/2 SETTINGS and GOAWAY, both empty of news. */
const FRAMES = `
  const SETTINGS = [0, 0, 0, 4, 0, 0, 0, 0, 0];
  const GOAWAY = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  const PREFACE = [...new TextEncoder().encode("PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n")];
`;

const SERVER = `${FRAMES}
  const server = http2.createServer().on("session", deferTeardown);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  for (let i = 0; i < 20; i++) {
    const peer = await Deno.connect({ hostname: "127.0.0.1", port: server.address().port });
    await peer.write(new Uint8Array([...PREFACE, ...SETTINGS, ...GOAWAY]));
    while (await peer.read(new Uint8Array(1024)) !== null);
    peer.close();
  }
  server.close();
  console.log("alive");
`;

const CLIENT = `${FRAMES}
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  for (let i = 0; i < 20; i++) {
    const session = deferTeardown(http2.connect("http://127.0.0.1:" + listener.addr.port));
    session.on("error", () => {});
    const peer = await listener.accept();
    await peer.read(new Uint8Array(1024));
    const closed = new Promise((resolve) => session.on("close", resolve));
    await peer.write(new Uint8Array([...SETTINGS, ...GOAWAY]));
    await closed;
    peer.close();
  }
  listener.close();
  console.log("alive");
`;

/** A process of its own: what it guards against aborts. Freed memory is overwritten, so that luck plays no part. */
async function run(body: string): Promise<string> {
  const shield = new URL("../../src/http2_session.ts", import.meta.url);
  const program = `
    import http2 from "node:http2";
    import { deferTeardown } from "${shield}";
    ${body}
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--allow-net", "-"],
    env: { MALLOC_PERTURB_: "165" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const { stdout, stderr } = await child.output();
  return new TextDecoder().decode(stdout).trim() || new TextDecoder().decode(stderr);
}

Deno.test("a server survives a GOAWAY on an idle session", async () => {
  assertEquals(await run(SERVER), "alive");
});

Deno.test("a client survives a GOAWAY on an idle session", async () => {
  assertEquals(await run(CLIENT), "alive");
});
