import { assertEquals } from "@std/assert";
import { serveCheckout } from "../support/checkout.ts";

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

/** Carries a flow through the in-memory device: the program says something, and hears it in capitals. */
const PROGRAM = `
  import { PseudoTcp } from "ORIGIN/mod.ts";
  import { memoryDevice } from "ORIGIN/src/tun/memory.ts";
  import { ClientHost } from "ORIGIN/tests/support/client_host.ts";

  const { device, far } = memoryDevice({ offload: false });
  await using stack = new PseudoTcp({ mtu: device.mtu });
  const attached = stack.attach(device);

  const client = new ClientHost({ destination: "203.0.113.5", destinationPort: 80 });
  const heard = converse("hello from far away");

  for await (const request of stack.flows) {
    const { hostname, port } = request.destination;
    console.log("to", hostname, port);
    const flow = request.accept();
    const capitals = new TransformStream<string, string>({
      transform: (text, controller) => controller.enqueue(text.toUpperCase()),
    });
    await flow.readable
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(capitals)
      .pipeThrough(new TextEncoderStream())
      .pipeTo(flow.writable);
    break;
  }
  console.log("heard", await heard);
  await device.close();
  await attached;

  async function converse(words: string): Promise<string> {
    const { endpoint } = client;
    const frame = new Uint8Array(65_545);
    let text = "";
    for (let said = false;;) {
      if (!said && endpoint.state === "ESTABLISHED") {
        said = endpoint.write(new TextEncoder().encode(words));
        endpoint.closeWrite();
      }
      for (const sent of client.poll(performance.now())) far.writeFrame(sent, sent.length);
      const read = endpoint.read();
      if (read === "end" || read === "reset") return text;
      if (read !== "wait") text += new TextDecoder().decode(read);
      else {
        await far.waitReadable();
        client.take(frame.slice(0, far.readFrame(frame)), performance.now());
      }
    }
  }
`;

Deno.test("a program carries a flow with the library from a URL, without an import map", async () => {
  const server = serveCheckout();
  try {
    const host = `127.0.0.1:${server.addr.port}`;
    const said = await runElsewhere(PROGRAM.replaceAll("ORIGIN", `http://${host}`), host);
    assertEquals(said, "to 203.0.113.5 80\nheard HELLO FROM FAR AWAY\n");
  } finally {
    await server.shutdown();
  }
});
