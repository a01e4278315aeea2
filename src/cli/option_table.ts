/**
 * The commands and their options, once, for the parser and for the help.
 *
 * @module
 */

/** One option as people see it. */
export interface OptionSpec {
  /** Without the hyphens. */
  readonly name: string;
  /** What stands for the value in the help; absent for an option that takes none. */
  readonly value?: string;
  /** Is about the proxy whose `--proxy` it stands behind. */
  readonly isOfHop?: boolean;
  /** May stand more than once. */
  readonly repeats?: boolean;
  /** What it does, in a phrase. */
  readonly words: string;
}

/** Options under one heading of the help. */
export interface OptionGroup {
  readonly title: string;
  readonly options: readonly OptionSpec[];
}

/** The commands, in the order in which a newcomer meets them. */
export const COMMANDS = ["run", "up", "proxy", "doctor"] as const;

/** The name of a command. */
export type CommandName = typeof COMMANDS[number];

/** One command as people see it. */
export interface CommandSpec {
  /** What stands behind the name in the line that shows its use. */
  readonly synopsis: string;
  /** What it does, in a phrase. */
  readonly words: string;
  /** What it does, in a few lines. */
  readonly about: readonly string[];
  readonly examples: readonly string[];
  readonly groups: readonly OptionGroup[];
}

const LOG: OptionSpec = {
  name: "log",
  value: "LEVEL",
  words: "off, error, warn, info, debug (flows) or trace (packets)",
};

const GENERAL: OptionGroup = {
  title: "General",
  options: [
    { name: "help", words: "show this help" },
    { name: "version", words: "show the version" },
  ],
};

const TUNNEL: OptionGroup = {
  title: "The proxy; what stands behind a --proxy is about that one",
  options: ([
    {
      name: "proxy",
      value: "URL",
      words: "https://HOST[:PORT], http://..., embedded; the next through it",
    },
    { name: "http", value: "VERSION", words: "auto (as the proxy likes it), 3, 2, 1.1 or fetch" },
    {
      name: "token",
      value: "TOKEN",
      words: "Bearer token; @FILE reads it, so does $PSEUDOTCP_TOKEN",
    },
    { name: "basic", value: "USER:PASS", words: "the same for Basic; @FILE or $PSEUDOTCP_BASIC" },
    {
      name: "token-command",
      value: "CMD",
      words: "a command that prints a token; run again when refused",
    },
    { name: "privacy-token", value: "TOKEN", words: "for PrivacyToken token=...; @FILE reads it" },
    {
      name: "pass-tokens",
      value: "FILE",
      words: "Privacy Pass tokens, one a line (RFC 9577)",
    },
    {
      name: "pass-command",
      value: "CMD",
      words: "a command that prints some for $PSEUDOTCP_CHALLENGE",
    },
    { name: "client-cert", value: "FILE", words: "our own certificate, PEM, for mutual TLS" },
    { name: "client-key", value: "FILE", words: "its private key, PEM" },
    { name: "header", value: "'N: V'", repeats: true, words: "a further field of each request" },
    { name: "ca", value: "FILE", words: "trust the authorities in this PEM file, and no others" },
    { name: "pin", value: "SHA256", words: "trust this one certificate: hexadecimal or base64" },
    { name: "insecure", words: "trust any certificate" },
    {
      name: "ping",
      value: "IDLE,WAIT",
      words: "seconds of silence until it is asked, and given up: 3,2",
    },
    {
      name: "tcp-template",
      value: "URI",
      words: "ask for TCP there by connect-tcp, with {target_host} and {target_port}",
    },
    {
      name: "udp-template",
      value: "URI",
      words: "where it takes UDP, with {target_host} and {target_port} (RFC 9298)",
    },
    { name: "udp-draft03", words: "ask for UDP as draft 03 has it: h2o, INVISV relays" },
  ] satisfies OptionSpec[]).map((option) => ({ ...option, isOfHop: true })),
};

/** Who answers names. */
const NAMES: readonly OptionSpec[] = [
  { name: "dns", value: "MODE", words: "who answers names: fake, doh, tunnel or off" },
  {
    name: "doh",
    value: "URL",
    repeats: true,
    words: "for --dns doh: a server; else Cloudflare's and Google's",
  },
  {
    name: "hosts",
    value: "FILE",
    words: "answer these names first; hosts(5) describes the file",
  },
  { name: "no-ipv6", words: "say of every name that it has no IPv6 address" },
];

const TRAFFIC: OptionGroup = {
  title: "The traffic",
  options: [
    ...NAMES,
    { name: "block-dot", words: "refuse DNS over TLS and QUIC (port 853)" },
    {
      name: "udp-bind",
      value: "WHEN",
      words: "one port at the proxy for all that a UDP port talks to: auto, always or off",
    },
    { name: "pcap", value: "FILE", words: "record the device's packets as pcapng" },
    LOG,
  ],
};

const NAMESERVER: OptionSpec = {
  name: "nameserver",
  value: "ADDRESS",
  words: "for --dns tunnel or off: the server in its resolv.conf",
};

const NAMESPACE: OptionGroup = { title: "The namespace", options: [NAMESERVER] };

const TRIAL: OptionGroup = {
  title: "The trial",
  options: [
    {
      name: "target",
      value: "HOST:PORT",
      words: "where the proxy is asked to lead: example.com:443",
    },
    ...NAMES,
    NAMESERVER,
  ],
};

const DEVICE: OptionGroup = {
  title: "The device",
  options: [
    { name: "tun", value: "NAME", words: "the interface's name; %d in it becomes a free number" },
    { name: "address", value: "CIDR", repeats: true, words: "its address and network" },
    { name: "mtu", value: "BYTES", words: "1280 to 65535" },
    { name: "netns", value: "NAME", words: "the network namespace that it shall stand in" },
    {
      name: "route",
      value: "CIDR",
      repeats: true,
      words: "lead this block into it; none by itself",
    },
    { name: "tun-fd", value: "N", words: "take the open device with this descriptor" },
    { name: "no-offload", words: "leaves nothing to the kernel: each packet whole, and slower" },
    { name: "workers", value: "N", words: "threads that share the flows; 1 by itself" },
  ],
};

/** What `--dns` takes. */
const DNS_MODES: readonly string[] = [
  "With --dns fake, the default, every name gets a made-up address, and the proxy resolves the name.",
  "With doh, HTTPS servers are asked through the proxy; with tunnel, the very server that the program",
  "names. None of these asks anything around the proxy; with off, DNS is nothing special.",
];

const LISTENER: OptionGroup = {
  title: "The proxy",
  options: [
    { name: "listen", value: "HOST:PORT", words: "where to listen; port 0 takes a free one" },
    { name: "plain", words: "in the clear, without TLS" },
    { name: "cert", value: "FILE", words: "PEM certificate; one is made on the spot otherwise" },
    { name: "key", value: "FILE", words: "PEM private key of the certificate" },
    {
      name: "token",
      value: "TOKEN",
      words: "ask for this token; @FILE reads it, so does $PSEUDOTCP_TOKEN",
    },
    { name: "allow", value: "CIDR", repeats: true, words: "open a block that is closed by itself" },
    {
      name: "bind",
      value: "ADDRESS",
      repeats: true,
      words: "where clients get UDP ports; by itself where they reach the proxy",
    },
    {
      name: "client-flows",
      value: "N",
      words: "what one client may have open at once: 2048; all together twice that",
    },
    LOG,
  ],
};

/** Each command. */
export const COMMAND_SPECS: Readonly<Record<CommandName, CommandSpec>> = {
  run: {
    synopsis: "[OPTIONS] -- COMMAND [ARG...]",
    words: "give one command a network that leads through the proxy",
    about: [
      "Starts COMMAND in a namespace of its own, whose only way out is the proxy.",
      "No root needed. The status of COMMAND becomes the status of run.",
      ...DNS_MODES,
    ],
    examples: [
      "run --proxy embedded -- curl https://example.com",
      "run --proxy https://proxy.example --token @token.txt -- bash",
    ],
    groups: [TUNNEL, TRAFFIC, NAMESPACE, GENERAL],
  },
  up: {
    synopsis: "[OPTIONS]",
    words: "bring up a device whose flows lead through the proxy",
    about: [
      "Opens a TUN device, adds exactly the routes asked for, and runs until SIGINT or SIGTERM.",
      "Nothing is left behind. Needs root, or a descriptor from who has it (--tun-fd).",
      ...DNS_MODES,
    ],
    examples: [
      "up --proxy https://proxy.example --tun tun0 --route 203.0.113.0/24",
      "up --proxy https://proxy.example --netns blue --route 0.0.0.0/0 --route ::/0",
    ],
    groups: [TUNNEL, DEVICE, TRAFFIC, GENERAL],
  },
  proxy: {
    synopsis: "--listen HOST:PORT [OPTIONS]",
    words: "be the proxy",
    about: [
      "Serves CONNECT, CONNECT-UDP, connect-tcp and the POST of fetch until SIGINT or SIGTERM.",
      "Loopback, private, link-local and multicast targets are refused unless --allow opens them.",
    ],
    examples: [
      "proxy --listen 127.0.0.1:8443 --token @token.txt",
      "proxy --listen [::1]:8080 --plain --allow 127.0.0.0/8",
    ],
    groups: [LISTENER, GENERAL],
  },
  doctor: {
    synopsis: "[OPTIONS]",
    words: "say what works here and at the proxy, and what to do about the rest",
    about: [
      "Looks at this machine, and with --proxy at the proxy: is it reached and trusted, does it carry TCP,",
      "UDP and names. A line for each: ok, note (it works with less), or no, which makes the status 1.",
    ],
    examples: [
      "doctor",
      "doctor --proxy https://proxy.example --token @token.txt",
    ],
    groups: [TUNNEL, TRIAL, GENERAL],
  },
};

/** All options of a command. */
export function optionsOf(command: CommandName): readonly OptionSpec[] {
  return COMMAND_SPECS[command].groups.flatMap((group) => group.options);
}
