import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { DeviceError } from "../../src/errors.ts";
import { libc } from "../../src/tun/ffi.ts";
import { startInNamespace } from "../../src/tun/namespace.ts";
import { MAX_FRAME_LENGTH } from "../../src/wire/virtio.ts";
import { serveCheckout } from "../support/checkout.ts";
import { nobodysPlace } from "../support/nobody.ts";
import { requires } from "../support/requires.ts";
import { requireTool } from "../support/tools.ts";

const needs = requires("root", "tun", "netns", "unshare");
const unprivileged = requires("root", "tun", "netns", "userns", "setpriv");
const terminal = requires("root", "tun", "netns", "script");
// The library stays open for the life of the program: opened before any test, no sanitizer takes it for a leak.
if (!needs.ignore) libc();

const PROGRAM = new URL("namespace_program.ts", import.meta.url).pathname;
const DENO = ["run", "--quiet", "--allow-all", "--no-config", "--no-lock", PROGRAM];

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function ran(command: readonly string[], stdin = ""): Promise<Ran> {
  const child = new Deno.Command(command[0], {
    args: command.slice(1),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin));
  await writer.close().catch(() => {}); // the command may end without having read
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Words of a shell that make `/run` and `/etc` this process's own, to change at will: `/etc` lies over the real one. */
const OWN_ETC = `
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/over /run/work /run/systemd/resolve /run/nscd
mount -t overlay -o lowerdir=/etc,upperdir=/run/over,workdir=/run/work overlay /etc
touch /run/nscd/socket
rm -f /etc/resolv.conf
`;

/** Runs a line of shell in a namespace, on a machine that `setting` makes. */
function insideOf(setting: string, line: string): Promise<Ran> {
  const script = `${OWN_ETC}${setting}\nexec "$@"`;
  const command = [requireTool("unshare"), "--mount", "--", "sh", "-c", script, "sh"];
  return ran([...command, Deno.execPath(), ...DENO, "sh", "-c", line]);
}

/** Runs a line of shell in a namespace, as root. */
function inside(line: string, stdin?: string): Promise<Ran> {
  return ran([Deno.execPath(), ...DENO, "sh", "-c", line], stdin);
}

Deno.test("a command's status and output are its own", needs, async () => {
  assertEquals(await inside("echo out; echo err >&2; exit 7"), {
    code: 7,
    stdout: "out\n",
    stderr: "err\n",
  });
});

Deno.test("a command reads standard input to its end", needs, async () => {
  assertEquals((await inside("cat", "one\ntwo\n")).stdout, "one\ntwo\n");
});

Deno.test("a command that is killed is known to be killed", needs, async () => {
  assertEquals(await inside("kill -KILL $$"), {
    code: 137,
    stdout: "",
    stderr: "ended by SIGKILL\n",
  });
});

Deno.test("a command that is not there is 127, one that does not run 126", needs, async () => {
  const missing = await ran([Deno.execPath(), ...DENO, "no-such-command"]);
  assertEquals([missing.code, missing.stderr], [
    127,
    'Cannot find the command "no-such-command"\n',
  ]);
  const passive = await ran([Deno.execPath(), ...DENO, "/etc/passwd"]);
  assertEquals(passive.code, 126);
  assertStringIncludes(passive.stderr, "Permission denied");
});

Deno.test("a command inherits nothing that Deno changed", needs, async () => {
  const { stdout } = await inside(
    "grep SigIgn /proc/self/status; ls /proc/self/fd; echo $FROM_OUTSIDE",
  );
  const [ignored, ...rest] = stdout.trim().split("\n");
  const SIGPIPE_BIT = 1n << 12n;
  assertEquals(BigInt(`0x${ignored.split(/\s+/)[1]}`) & SIGPIPE_BIT, 0n);
  assertEquals(rest.at(-1), "yes");
  const outside = await ran(["sh", "-c", "ls /proc/self/fd"]);
  assertEquals(rest.slice(0, -1), outside.stdout.trim().split("\n"), "the same descriptors");
});

Deno.test("a command sees its own network, nameserver and nothing else", needs, async () => {
  const before = await Deno.readTextFile("/etc/resolv.conf");
  const { stdout } = await inside(
    "cat /etc/resolv.conf; ls /sys/class/net >/dev/null; ip -o address; ip route; ip -6 route",
  );
  assertStringIncludes(stdout, "nameserver 198.18.0.2\n");
  assertMatch(stdout, /tun0 +inet 198\.18\.0\.1\/15/);
  assertMatch(stdout, /tun0 +inet6 fd73:7470::1\/64/);
  assertEquals([...stdout.matchAll(/^default dev tun0/gm)].length, 2);
  assertEquals([...stdout.matchAll(/^\d+: (?!lo|tun0)/gm)], []);
  assertEquals(await Deno.readTextFile("/etc/resolv.conf"), before);
});

Deno.test("names do not leak through systemd-resolved or nscd", needs, async () => {
  const setting = "echo 'nameserver 127.0.0.53' > /run/systemd/resolve/stub-resolv.conf\n" +
    "ln -s ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf";
  const { stdout } = await insideOf(setting, "cat /etc/resolv.conf; find /run/systemd /run/nscd");
  assertEquals(stdout.split("\n"), [
    "nameserver 198.18.0.2",
    "/run/systemd",
    "/run/systemd/resolve",
    "/run/systemd/resolve/stub-resolv.conf",
    "/run/nscd",
    "",
  ]);
});

Deno.test("without a resolv.conf to lay over nothing starts", needs, async () => {
  const { code, stdout, stderr } = await insideOf("true", "echo started");
  assertEquals([code, stdout], [125, ""]);
  assertStringIncludes(stderr, '"/etc/resolv.conf"');
});

Deno.test("without user namespaces the sysctl is named", unprivileged, async () => {
  await using place = await nobodysPlace();
  const user = ["unshare", "--user", "--map-current-user", "--keep-caps", "--", "sh", "-c"];
  const forbid = "echo 0 > /proc/sys/user/max_user_namespaces\n" +
    'exec setpriv --inh-caps=-all --ambient-caps=-all -- "$@"';
  const { code, stderr } = await ran(place.command(...user, forbid, "sh", "deno", ...DENO, "true"));
  assertEquals(code, 125);
  assertStringIncludes(stderr, "user.max_user_namespaces is 0");
});

Deno.test(
  "packets of the command come out of the device, and nothing starts before go",
  needs,
  async () => {
    const flag = await Deno.makeTempFile();
    await using program = await startInNamespace({
      command: ["bash", "-c", `echo started > ${flag}; echo hello > /dev/udp/203.0.113.9/9`],
      addresses: ["198.18.0.1/15"],
      mtu: 1280,
    });
    assertEquals(program.device.mtu, 1280);
    assertEquals(await Deno.readTextFile(flag), "");
    program.go();
    program.go();
    assert(await program.device.waitReadable());
    const frame = new Uint8Array(MAX_FRAME_LENGTH);
    const length = program.device.readFrame(frame);
    assertStringIncludes(new TextDecoder().decode(frame.subarray(0, length)), "hello");
    assertEquals(await program.status, { code: 0, signal: null });
    assertEquals(await Deno.readTextFile(flag), "started\n");
    await Deno.remove(flag);
  },
);

Deno.test("disposing ends the command, also one that never went", needs, async () => {
  for (const go of [true, false]) {
    const program = await startInNamespace({ command: ["sleep", "1000"], addresses: [] });
    if (go) program.go();
    await program[Symbol.asyncDispose]();
    assertEquals((await program.status).signal, "SIGTERM");
    assertEquals(await program.device.waitReadable(), false);
    program.kill("SIGTERM");
  }
});

Deno.test("a device that cannot be had is an error with a reason", needs, async () => {
  const options = { command: ["true"], addresses: [], path: "/nowhere/tun" };
  const error = await assertRejects(() => startInNamespace(options), DeviceError, "/nowhere/tun");
  assertEquals(error.code, "not-found");
  await assertRejects(() => startInNamespace({ command: [], addresses: [] }), TypeError);
});

Deno.test("a user without privilege gets the same, and stays who he is", unprivileged, async () => {
  await using place = await nobodysPlace();
  const line =
    "id -u; cat /etc/resolv.conf; ip -o -4 address; grep CapEff /proc/self/status; exit 3";
  const { code, stdout, stderr } = await ran(place.command("deno", ...DENO, "sh", "-c", line));
  assertEquals([code, stderr], [3, ""]);
  const lines = stdout.split("\n");
  assertEquals(lines.slice(0, 2), ["65534", "nameserver 198.18.0.2"]);
  assertMatch(stdout, /tun0 +inet 198\.18\.0\.1\/15/);
  assertMatch(stdout, /CapEff:\s+0+\n/);
});

Deno.test("a user keeps the limit of open files that his shell has", unprivileged, async () => {
  await using place = await nobodysPlace();
  const command = place.command("sh", "-c", 'ulimit -Sn 321; "$@"; exit', "sh", "deno", ...DENO);
  assertEquals((await ran([...command, "sh", "-c", "ulimit -Sn"])).stdout, "321\n");
});

Deno.test(
  "a library that was imported by URL starts its helper from the cache",
  needs,
  async () => {
    await using server = serveCheckout();
    const folder = await Deno.makeTempDir({ prefix: "pseudotcp-" });
    const program = `
    import { startInNamespace } from "http://127.0.0.1:${server.addr.port}/src/tun/namespace.ts";
    await using program = await startInNamespace({ command: ["echo", "from inside"], addresses: [] });
    program.go();
    await program.status;
  `;
    await Deno.writeTextFile(`${folder}/program.ts`, program);
    const env = ["env", `DENO_DIR=${folder}/cache`, "NO_COLOR=1"];
    const command = [Deno.execPath(), "run", "--quiet", "--allow-all", `${folder}/program.ts`];
    assertEquals(await ran([...env, ...command]), { code: 0, stdout: "from inside\n", stderr: "" });
    await Deno.remove(folder, { recursive: true });
  },
);

Deno.test("a command has the terminal, its size, and Ctrl-C", terminal, async () => {
  const line = "stty size; trap 'echo caught; exit 5' INT; echo ready; while :; do read x; done";
  const command = [Deno.execPath(), ...DENO, "bash", "-c", line].map(quote).join(" ");
  const child = new Deno.Command(requireTool("script"), {
    // `exec`: no shell stays between, for dash, unlike bash, is ended by a Ctrl-C that its command has dealt with.
    args: ["--quiet", "--return", "-c", `stty rows 33 cols 77; exec ${command}`, "/dev/null"],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  let seen = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    if (!seen.includes("ready") && (seen + text).includes("ready")) {
      await writer.write(Uint8Array.of(3)); // what a terminal makes of Ctrl-C
    }
    seen += text;
  }
  await writer.close().catch(() => {}); // script has ended
  assertStringIncludes(seen, "33 77");
  assertStringIncludes(seen, "caught");
  assertEquals((await child.status).code, 5);
});

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
