import { assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);

/** The checkout over HTTP, as a library's host would serve it. */
function serveCheckout(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    try {
      const source = await Deno.readTextFile(new URL(`.${new URL(request.url).pathname}`, ROOT));
      return new Response(source, { headers: { "content-type": "application/typescript" } });
    } catch {
      return new Response("nothing here", { status: 404 });
    }
  });
}

/** Runs `source` in an empty folder with an empty cache: no import map, no configuration. */
async function runElsewhere(source: string, host: string): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "pseudotcp-" });
  try {
    await Deno.writeTextFile(`${folder}/program.ts`, source);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--check", "--quiet", `--allow-import=${host}`, "program.ts"],
      cwd: folder,
      env: { DENO_DIR: `${folder}/cache`, NO_COLOR: "1" },
    }).output();
    assertEquals(new TextDecoder().decode(stderr), "");
    assertEquals(code, 0);
    return new TextDecoder().decode(stdout);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a program imports the library by URL, without an import map", async () => {
  const server = serveCheckout();
  try {
    const host = `127.0.0.1:${server.addr.port}`;
    const source = `
      import { createLog, type Flow } from "http://${host}/mod.ts";
      const log = createLog("info", (level, line) => console.log(level, line));
      log.info("a flow is " + ({ protocol: "tcp" } satisfies Partial<Flow>).protocol);
    `;
    assertEquals(await runElsewhere(source, host), "info a flow is tcp\n");
  } finally {
    await server.shutdown();
  }
});
