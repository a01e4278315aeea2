import { assert, assertEquals, assertThrows } from "@std/assert";
import { helpText } from "../../../src/cli/help.ts";
import { COMMANDS, optionsOf } from "../../../src/cli/option_table.ts";
import {
  type Command,
  parseOptions,
  type ProxyCommand,
  type RunCommand,
  type UpCommand,
} from "../../../src/cli/options.ts";
import type { Surroundings } from "../../../src/cli/secrets.ts";
import { UsageError } from "../../../src/cli/usage_error.ts";

const CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
const KEY = "-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----\n";
const FILES: Record<string, string> = {
  "ca.pem": CERTIFICATE,
  "both.pem": KEY + CERTIFICATE,
  "key.pem": KEY,
  "token.txt": "file-s3cret\n",
  "basic.txt": "user:file-s3cret\r\n",
  "empty.txt": "",
  "hosts.txt": "192.0.2.1 a.test\n",
};
/** What paints a terminal. */
// deno-lint-ignore no-control-regex
const ESCAPES = /\x1b\[[0-9]+m/g;
const PIN = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/** A world with the files above and these variables. */
function around(env: Record<string, string> = {}): Surroundings {
  return {
    env: (name) => env[name],
    readTextFile: (path) => {
      if (path in FILES) return FILES[path];
      throw path === "shadow" ? new Deno.errors.PermissionDenied() : new Deno.errors.NotFound();
    },
  };
}

function parse(line: string, env?: Record<string, string>): Command {
  return parseOptions(line.split(" ").filter((word) => word !== ""), around(env));
}

const up = (line: string, env?: Record<string, string>) =>
  parse(`up --proxy https://proxy.example ${line}`, env) as UpCommand;
const proxy = (line: string, env?: Record<string, string>) =>
  parse(`proxy --listen localhost:0 ${line}`, env) as ProxyCommand;

/** The line is refused with one sentence that says `words` and none of the secrets. */
function refused(line: string, words: string, env?: Record<string, string>): void {
  const error = assertThrows(() => parse(line, env), UsageError, words);
  assert(/^[A-Z][^\n]*[^.\n]$/.test(error.message), error.message);
  assert(!error.message.includes("s3cret"), error.message);
}

const badUp = (line: string, words: string, env?: Record<string, string>) =>
  refused(`up --proxy https://proxy.example ${line}`, words, env);
const badProxy = (line: string, words: string, env?: Record<string, string>) =>
  refused(`proxy --listen localhost:0 ${line}`, words, env);

Deno.test("up with a proxy alone has these defaults", () => {
  const { tunnel, ...rest } = up("");
  const { proxy, ...more } = tunnel;
  assertEquals(String(proxy), "https://proxy.example/");
  assertEquals(more, {
    http: "auto",
    credentials: {},
    tokenCommand: undefined,
    privateTokens: undefined,
    identity: undefined,
    ping: undefined,
    via: undefined,
    headers: [],
    ca: undefined,
    pin: undefined,
    insecure: false,
    tcpTemplate: undefined,
    udpTemplate: undefined,
    udpDraft03: false,
  });
  assertEquals(rest, {
    command: "up",
    names: { dns: "fake", doh: undefined, hosts: undefined, ipv6: undefined },
    blockDot: false,
    udpBind: "auto",
    pcap: undefined,
    log: "info",
    tun: undefined,
    addresses: [],
    mtu: undefined,
    netns: undefined,
    routes: [],
    tunFd: undefined,
    offload: true,
    workers: 1,
  });
});

Deno.test("proxy with an endpoint alone has these defaults", () => {
  assertEquals(parse("proxy --listen 127.0.0.1:8443"), {
    command: "proxy",
    listen: { hostname: "127.0.0.1", port: 8443 },
    plain: false,
    identity: undefined,
    token: undefined,
    allow: [],
    bind: [],
    clientFlows: undefined,
    log: "info",
  });
});

Deno.test("--client-flows takes as many as an address has ports", () => {
  assertEquals(proxy("--client-flows 10000").clientFlows, 10_000);
  badProxy("--client-flows 0", 'Option --client-flows does not take "0"');
  badProxy("--client-flows 70000", 'Option --client-flows does not take "70000"');
});

Deno.test("run takes its command behind --, or from the first word on", () => {
  const run = (line: string) => (parse(`run --proxy embedded ${line}`) as RunCommand).argv;
  assertEquals(run("-- curl -v --proxy x"), ["curl", "-v", "--proxy", "x"]);
  assertEquals(run("curl -v -- --help"), ["curl", "-v", "--", "--help"]);
  assertEquals(run("-- -strange"), ["-strange"]);
  assertEquals(run("-- --"), ["--"]);
  assertEquals((parse("run --proxy embedded -- x") as RunCommand).log, "warn");
  refused("run --proxy embedded", "Say which command to run");
  refused("run --proxy embedded --", "Say which command to run");
  refused("run -- curl", "Say where the proxy is");
});

Deno.test("a command has to come first and to exist", () => {
  refused("", "Say what to do");
  refused("fly", 'There is no command "fly"');
  refused("--proxy embedded run", 'Option "--proxy" stands before the command');
  badUp("extra", 'does not know what to do with "extra"');
  badProxy("-- extra", 'does not know what to do with "extra"');
});

Deno.test("help and version are found wherever they stand, and need nothing else", () => {
  for (const line of ["--help", "-h", "help", "help fly"]) {
    assertEquals(parse(line), { command: "help", topic: undefined }, line);
  }
  for (const line of ["up --help", "up -h", "up --mtu 5 --help", "help up"]) {
    assertEquals(parse(line), { command: "help", topic: "up" }, line);
  }
  assertEquals(parse("--version"), { command: "version" });
  assertEquals(parse("run --version"), { command: "version" });
  assertEquals((parse("run --proxy embedded -- x --help") as RunCommand).argv, ["x", "--help"]);
});

Deno.test("an unknown option is named, with its neighbour", () => {
  badUp("--rote ::/0", 'There is no option "--rote": did you mean --route?');
  badUp("--xyzzy", 'There is no option "--xyzzy": --help lists all');
  badUp("-q", 'There is no option "-q"');
  refused("run --proxy embedded --route ::/0 -- x", 'There is no option "--route"');
});

Deno.test("an option wants its value, and only once", () => {
  badUp("--mtu", "Option --mtu needs a value: --mtu BYTES");
  badUp("--token --insecure", "or --token=... for one that begins with a hyphen");
  badUp("--insecure=yes", "Option --insecure takes no value");
  badUp("--mtu 1500 --mtu 1400", "Option --mtu stands twice");
  badUp("--insecure --insecure", "Option --insecure stands twice");
  assertEquals(up("--token=-abc").tunnel.credentials, { token: "-abc" });
});

Deno.test("--proxy takes a URL of a host, or the word embedded", () => {
  const read = (text: string) => String((parse(`up --proxy ${text}`) as UpCommand).tunnel.proxy);
  assertEquals(read("embedded"), "embedded");
  assertEquals(read("http://[::1]:8080"), "http://[::1]:8080/");
  assertEquals(read("HTTPS://Proxy.Example:8443/"), "https://proxy.example:8443/");
  refused("up", "Say where the proxy is");
  for (
    const text of [
      "proxy.example",
      "proxy.example:443",
      "socks5://a:1",
      "https:a",
      "https://",
      "https://a:99999",
    ]
  ) {
    refused(`up --proxy ${text}`, `Option --proxy does not take "${text}"`);
  }
  refused("up --proxy https://a/b", 'takes no path: give "https://a"');
  refused("up --proxy https://a/?b", "takes no path");
  refused("up --proxy https://user:s3cret@a", "takes no user and password");
  refused("up --proxy ftp://user:s3cret@a", "takes no user and password");
});

Deno.test("--http takes three words", () => {
  for (const http of ["auto", "3", "2", "1.1", "fetch"] as const) {
    assertEquals(up(`--http ${http}`).tunnel.http, http);
  }
  badUp("--http 4", 'Option --http does not take "4": give auto, 3, 2, 1.1 or fetch');
});

Deno.test("--token comes as itself, from a file, or from the environment, in this order", () => {
  const token = (line: string, env?: Record<string, string>) => up(line, env).tunnel.credentials;
  const env = { PSEUDOTCP_TOKEN: "env-s3cret" };
  assertEquals(token("--token abc", env), { token: "abc" });
  assertEquals(token("--token @token.txt", env), { token: "file-s3cret" });
  assertEquals(token("", env), { token: "env-s3cret" });
  assertEquals(token("", { PSEUDOTCP_TOKEN: "@token.txt" }), { token: "file-s3cret" });
  assertEquals(token("", { PSEUDOTCP_TOKEN: "" }), {});
  assertEquals(token("--basic user:abc", env), { basic: "user:abc" });
  badUp("--token @gone", 'Option --token cannot read "gone": there is no such file');
  badUp("--token @shadow", 'Option --token cannot read "shadow": reading it is not permitted');
  badUp("--token @empty.txt", "Cannot send the token");
  badUp("--token=", "Cannot send the token");
  badUp("--token s3cret\u00e9", "Cannot send the token");
});

Deno.test("--basic comes as itself, from a file, or from the environment", () => {
  const basic = (line: string, env?: Record<string, string>) => up(line, env).tunnel.credentials;
  assertEquals(basic("--basic user:abc"), { basic: "user:abc" });
  assertEquals(basic("--basic @basic.txt"), { basic: "user:file-s3cret" });
  assertEquals(basic("", { PSEUDOTCP_BASIC: "user:env" }), { basic: "user:env" });
  badUp("--basic s3cret", "without a colon");
  badUp("--basic a:b --token c", "Options --token and --basic exclude each other");
  const both = { PSEUDOTCP_BASIC: "a:s3cret", PSEUDOTCP_TOKEN: "s3cret" };
  badUp("", "PSEUDOTCP_TOKEN and PSEUDOTCP_BASIC exclude each other", both);
});

Deno.test("--header takes a name and a value, and repeats", () => {
  const line = ["up", "--proxy", "http://a", "--header", "X-A: b: c", "--header", "x-d:"];
  const { tunnel } = parseOptions(line, around()) as UpCommand;
  assertEquals(tunnel.headers, [["X-A", "b: c"], ["x-d", ""]]);
  badUp("--header s3cret", "needs a name and a value");
  badUp("--header :s3cret", "needs a name and a value");
  badUp("--header X_(:s3cret", 'Cannot send the field "X_("');
  badUp("--header Host:s3cret", 'Cannot send the field "Host"');
  badUp("--header X:s3cret\r\nY:1", 'Cannot send the field "X"');
});

Deno.test("Proxy-Authorization as a header stands for the credentials", () => {
  const line = "--header Proxy-Authorization:PrivacyToken";
  assertEquals(up(line, { PSEUDOTCP_TOKEN: "env" }).tunnel.credentials, {});
  badUp(`${line} --token s3cret`, "Proxy-Authorization comes from --header or from --token");
});

Deno.test("--ca reads the authorities", () => {
  assertEquals(up("--ca ca.pem").tunnel.ca, CERTIFICATE);
  assertEquals(up("--ca both.pem").tunnel.ca, KEY + CERTIFICATE);
  badUp("--ca key.pem", 'Option --ca finds no PEM certificate in "key.pem"');
  badUp("--ca gone.pem", 'cannot read "gone.pem"');
});

Deno.test("--pin takes the digest in every usual spelling", () => {
  const base64 = Uint8Array.fromHex(PIN).toBase64();
  const colons = PIN.toUpperCase().match(/../g)!.join(":");
  const spellings = [PIN, colons, `sha256:${PIN}`, base64, base64.slice(0, 43), `sha256/${base64}`];
  for (const text of spellings) assertEquals(up(`--pin ${text}`).tunnel.pin, PIN, text);
  const url = Uint8Array.fromHex("fb".repeat(32)).toBase64({ alphabet: "base64url" });
  assertEquals(up(`--pin=${url}`).tunnel.pin, "fb".repeat(32));
  for (
    const text of ["x", PIN.slice(1), `${PIN}0`, base64.slice(1), `${base64}=`, "B".repeat(43)]
  ) {
    badUp(`--pin ${text}`, `Option --pin does not take "${text}"`);
  }
  badUp(`--pin sha256//${base64}`, "the one of its key");
});

Deno.test("trust is given in one way, and only over TLS", () => {
  assertEquals(up("--insecure").tunnel.insecure, true);
  badUp(`--insecure --pin ${PIN}`, "--insecure and --pin exclude each other");
  badUp("--insecure --ca ca.pem", "--insecure and --ca exclude each other");
  badUp(`--ca ca.pem --pin ${PIN}`, "--pin and --ca exclude each other");
  for (const option of ["--insecure", `--pin ${PIN}`, "--ca ca.pem"]) {
    refused(`up --proxy http://a ${option}`, "it needs --proxy https://");
  }
});

Deno.test("the embedded proxy takes no secrets and no certificate, and ignores the environment's", () => {
  for (const option of ["--token s3cret", "--basic a:s3cret", "--insecure", `--pin ${PIN}`]) {
    refused(`up --proxy embedded ${option}`, "The embedded proxy makes its own secrets");
  }
  const env = { PSEUDOTCP_TOKEN: "env-s3cret" };
  const { tunnel } = parse("up --proxy embedded", env) as UpCommand;
  assertEquals(tunnel.credentials, {});
});

Deno.test("--dns, --doh, --hosts, --no-ipv6 and --block-dot", () => {
  for (const mode of ["fake", "doh", "tunnel", "off"] as const) {
    assertEquals(up(`--dns ${mode}`).names.dns, mode);
  }
  badUp("--dns on", 'Option --dns does not take "on": give fake, doh, tunnel or off');
  const { doh } = up("--dns doh --doh https://a.test/q --doh http://127.0.0.1:80/").names;
  assertEquals(doh?.map(String), ["https://a.test/q", "http://127.0.0.1/"]);
  badUp("--dns doh --doh http://a.test/", 'Cannot ask "http://a.test/"');
  badUp("--doh https://a.test/q", "Option --doh names a server for --dns doh");
  assertEquals(up("--hosts hosts.txt --no-ipv6").names, {
    dns: "fake",
    doh: undefined,
    hosts: "192.0.2.1 a.test\n",
    ipv6: false,
  });
  badUp("--hosts nothing.txt", 'Option --hosts cannot read "nothing.txt"');
  badUp("--dns off --hosts hosts.txt", "Option --hosts needs somebody who answers");
  badUp("--dns off --no-ipv6", "Option --no-ipv6 needs somebody who answers");
  assertEquals(up("--block-dot").blockDot, true);
});

Deno.test("--nameserver is for the modes that let the program choose its server", () => {
  const run = (line: string) => parse(`run --proxy embedded ${line} -- x`) as RunCommand;
  assertEquals(run("--dns tunnel --nameserver 9.9.9.9").nameserver, "9.9.9.9");
  assertEquals(run("--dns off --nameserver 2620:FE::FE").nameserver, "2620:fe::fe");
  assertEquals(run("").nameserver, undefined);
  refused("run --proxy embedded --nameserver 9.9.9.9 -- x", "is for --dns tunnel and --dns off");
  refused("run --proxy embedded --dns off --nameserver dns -- x", 'does not take "dns"');
});

Deno.test("--pcap and --log", () => {
  assertEquals(up("--pcap out.pcapng").pcap, "out.pcapng");
  for (const log of ["off", "error", "warn", "info", "debug", "trace"] as const) {
    assertEquals(up(`--log ${log}`).log, log);
    assertEquals(proxy(`--log ${log}`).log, log);
  }
  badUp("--log loud", "give off, error, warn, info, debug or trace");
});

Deno.test("--tun takes what the kernel takes", () => {
  for (const name of ["tun0", "tun%d", "a.b", "fifteen-letters"]) {
    assertEquals(up(`--tun ${name}`).tun, name);
  }
  for (const name of ["sixteen--letters", "a/b", "a:b", ".", ".."]) {
    badUp(`--tun ${name}`, `Option --tun does not take "${name}"`);
  }
  badUp("--tun=", 'Option --tun does not take ""');
});

Deno.test("--address and --route repeat and come in their one spelling", () => {
  const { addresses, routes } = up(
    "--address 198.18.0.1/15 --address FD00::1/64 --route 0.0.0.0/0 --route 0:0::/0 --route 1.2.3.4",
  );
  assertEquals(addresses, ["198.18.0.1/15", "fd00::1/64"]);
  assertEquals(routes, ["0.0.0.0/0", "::/0", "1.2.3.4/32"]);
  badUp("--address 198.18.0/15", 'Option --address does not take "198.18.0/15"');
  badUp("--route default", 'Option --route does not take "default"');
});

Deno.test("the embedded proxy is not led into the device that it serves", () => {
  refused("up --proxy embedded --route ::/0", "would catch the embedded proxy itself");
  const { routes } = parse("up --proxy embedded --netns blue --route ::/0") as UpCommand;
  assertEquals(routes, ["::/0"]);
});

Deno.test("--mtu has the range that IPv6 and the IP header set", () => {
  for (const mtu of [1280, 1500, 65_535]) assertEquals(up(`--mtu ${mtu}`).mtu, mtu);
  for (const mtu of ["1279", "65536", "0", "1e3", "1500.5", "0x600", "abc"]) {
    badUp(`--mtu ${mtu}`, `Option --mtu does not take "${mtu}": give a number from 1280 to 65535`);
  }
});

Deno.test("--netns takes a name and no path", () => {
  assertEquals(up("--netns blue").netns, "blue");
  for (const name of ["../blue", "a/b", ".", ".."]) {
    badUp(`--netns ${name}`, "--netns does not take");
  }
});

Deno.test("--tun-fd takes a descriptor, whose device is somebody else's to configure", () => {
  assertEquals(up("--tun-fd 3 --mtu 1400 --no-offload").tunFd, 3);
  for (const fd of ["2", "-1", "x"]) badUp(`--tun-fd=${fd}`, `--tun-fd does not take "${fd}"`);
  for (const other of ["--tun a", "--address ::1", "--netns a", "--route ::/0"]) {
    badUp(`--tun-fd 3 ${other}`, "Options --tun-fd and");
  }
});

Deno.test("--no-offload", () => {
  assertEquals(up("--no-offload").offload, false);
});

Deno.test("--listen takes a host and a port", () => {
  const listen = (text: string) => (parse(`proxy --listen ${text}`) as ProxyCommand).listen;
  assertEquals(listen("localhost:0"), { hostname: "localhost", port: 0 });
  assertEquals(listen("[::1]:65535"), { hostname: "::1", port: 65535 });
  for (
    const text of [
      "8443",
      ":8443",
      "::1:8443",
      "[::1]",
      "[a]:1",
      "[1.2.3.4]:1",
      "a:65536",
      "a:",
      "[::/8]:1",
    ]
  ) {
    refused(`proxy --listen ${text}`, `Option --listen does not take "${text}"`);
  }
  refused("proxy", "Say where to listen");
});

Deno.test("--cert and --key come together, and not with --plain", () => {
  assertEquals(proxy("--cert ca.pem --key key.pem").identity, { cert: CERTIFICATE, key: KEY });
  badProxy("--cert ca.pem", "Options --cert and --key need each other");
  badProxy("--key key.pem", "Options --cert and --key need each other");
  badProxy("--cert key.pem --key key.pem", 'finds no PEM certificate in "key.pem"');
  badProxy("--cert ca.pem --key ca.pem", 'finds no PEM private key in "ca.pem"');
  assertEquals(proxy("--plain").plain, true);
  badProxy("--plain --cert ca.pem --key key.pem", "--plain and --cert exclude each other");
});

Deno.test("the proxy's token comes as itself, from a file, or from the environment", () => {
  assertEquals(proxy("--token abc").token, "abc");
  assertEquals(proxy("--token @token.txt").token, "file-s3cret");
  assertEquals(proxy("", { PSEUDOTCP_TOKEN: "env-s3cret" }).token, "env-s3cret");
  badProxy("--token @gone", 'cannot read "gone"');
});

Deno.test("--bind takes one address of each family", () => {
  assertEquals(proxy("--bind 192.0.2.1 --bind 2001:DB8::1").bind, ["192.0.2.1", "2001:db8::1"]);
  badProxy("--bind 192.0.2.0/24", 'Option --bind does not take "192.0.2.0/24"');
});

Deno.test("UDP is asked for by a template, or as draft 03 has it", () => {
  const template = "https://p.example/x{?target_host,target_port}";
  assertEquals(up(`--udp-template ${template}`).tunnel.udpTemplate, template);
  assertEquals(up("--udp-draft03").tunnel.udpDraft03, true);
  assertEquals(up("--udp-bind always").udpBind, "always");
  badUp("--udp-bind on", 'Option --udp-bind does not take "on"');
  badUp(`--udp-draft03 --udp-template ${template}`, "exclude each other");
  badUp("--udp-template https://p.example/", "{target_host} is missing");
  assertEquals(up(`--tcp-template ${template}`).tunnel.tcpTemplate, template);
  badUp("--tcp-template https://p.example/", "the template of a TCP proxy: the variable");
  for (const option of ["--pin " + "ab".repeat(32), "--insecure", "--udp-draft03"]) {
    badUp(`--http fetch ${option}`, "does not go with --http fetch");
  }
});

Deno.test("--allow opens blocks", () => {
  assertEquals(proxy("--allow 127.0.0.0/8 --allow ::1").allow, ["127.0.0.0/8", "::1/128"]);
  badProxy("--allow localhost", 'Option --allow does not take "localhost"');
});

Deno.test("the help tells every option in lines that fit a terminal, with colour only when asked", () => {
  for (const command of COMMANDS) {
    const text = helpText(command, false);
    for (const { name } of optionsOf(command)) assert(text.includes(`--${name}`), name);
    for (const line of text.split("\n")) assert(line.length <= 100, line);
    assert(!text.includes("\x1b"));
    assert(helpText(command, true).includes("\x1b["));
    assertEquals(helpText(command, true).replaceAll(ESCAPES, ""), text);
  }
  for (const command of COMMANDS) assert(helpText(undefined, false).includes(command));
});
