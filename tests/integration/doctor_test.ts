import { assertEquals, assertMatch } from "@std/assert";
import { nobodysPlace } from "../support/nobody.ts";
import { commandLine } from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";

/** What doctor says of this machine, word for word; later ones are about the proxy. */
const MACHINE = [
  /^ok {4}Deno 2\./,
  /^ok {4}Linux, /,
  /^ok {4}\d+ open files|^note {2}Only \d+ files/,
  /^ok {4}IPv6 in the kernel$|^note {2}No IPv6/,
  /^ok {4}\/dev\/net\/tun opens$/,
];

async function doctor(command: readonly string[]): Promise<{ lines: string[]; code: number }> {
  const [program, ...args] = command;
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  return { code, lines: new TextDecoder().decode(stdout).trimEnd().split("\n") };
}

Deno.test(
  "doctor finds this machine and the embedded proxy well",
  requires("netns", "tun", "unshare"),
  async () => {
    using origin = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    void origin.accept().then((conn) => conn.close(), () => {});
    const target = `127.0.0.1:${origin.addr.port}`;
    const { code, lines } = await doctor(
      commandLine("doctor", "--proxy", "embedded", "--target", target),
    );
    for (const [i, expected] of MACHINE.entries()) assertMatch(lines[i], expected);
    assertMatch(lines[5], /^ok {4}Up may make a device/);
    assertMatch(lines[6], /^ok {4}Run gives a command a network of its own, as root$/);
    const said = lines.join("\n");
    assertMatch(said, /^ok {4}CONNECT to 127\.0\.0\.1:\d+ is granted/m);
    assertMatch(said, /^ok {4}UDP is carried/m);
    assertMatch(said, /^ok {4}A UDP port has one address for everybody/m);
    assertEquals([code, lines.some((line) => line.startsWith("no "))], [0, false], said);
  },
);

Deno.test(
  "doctor tells a user without privilege what is for him",
  requires("root", "tun", "userns", "setpriv"),
  async () => {
    await using place = await nobodysPlace();
    const [, ...words] = commandLine("doctor");
    const { code, lines } = await doctor(place.command("deno", ...words));
    for (const [i, expected] of MACHINE.entries()) assertMatch(lines[i], expected);
    assertMatch(lines[5], /^note {2}Up may not make a device: it needs root; run does not$/);
    assertMatch(lines[6], /^ok {4}Run gives a command a network of its own, without root$/);
    assertMatch(lines.at(-1)!, /^note {2}No proxy was looked at: name it with --proxy URL/);
    assertEquals(code, 0);
  },
);

Deno.test("doctor ends with 1 where something does not work", requires("unshare"), async () => {
  // In a mount namespace of its own the machine has no device.
  const hide = 'mount -t tmpfs tmpfs /dev/net && exec "$@"';
  const command = ["unshare", "--mount", "--", "sh", "-c", hide, "sh", ...commandLine("doctor")];
  const { code, lines } = await doctor(command);
  assertEquals(code, 1);
  assertMatch(lines.join("\n"), /^no {4}\/dev\/net\/tun does not open: load the module/m);
});
