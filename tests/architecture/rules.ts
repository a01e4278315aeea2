/**
 * The architecture as data: who may import whom, which rooms are pure, how large things may grow.
 * `deno lint` applies it to each file (`plugin.ts`), the architecture test to the whole (`architecture_test.ts`).
 *
 * @module
 */

/**
 * Room -> what it may import, beside itself and the leaves. A room is a folder of `src`, or a file there without its suffix.
 * `wire/address` allows one file, `type flow` allows types only, `*` allows everything but `cli`.
 */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  bytes: [],
  outcome: [],
  errors: [],
  log: [],
  c_library: [],
  written_body: [],
  byte_end: [],

  wire: [],
  tcp: ["wire"],
  udp: ["wire"],
  stack: ["tcp", "udp", "wire"],
  flow: ["stack", "tcp", "udp", "wire", "type tun/device", "byte_end"],

  sockets: ["c_library", "wire/address"],
  masque: [],
  http2: ["masque"],
  http3: ["masque"],
  tunnel: [
    "masque",
    "written_body",
    "byte_end",
    "http2",
    "http3",
    "sockets",
    "wire/address",
  ],
  proxy: ["masque", "wire/address", "written_body", "http2", "http3", "sockets"],

  tun: ["c_library", "wire"],
  dns: ["wire/address"],
  policy: ["wire/address"],

  relay: ["type flow", "type tunnel", "type byte_end"],
  udp_relay: ["type flow", "type tunnel"],
  udp_port: ["type flow", "type tunnel", "type udp_relay"],
  udp_roads: ["type flow", "type tunnel", "asking", "udp_port", "udp_relay", "wire/address"],
  asking: [],
  report: ["type flow", "type relay", "type udp_relay"],
  names: ["dns", "policy", "tunnel", "wire/address"],
  run: ["*"],
  workers: ["run", "names", "tun", "tunnel", "type dns", "type flow"],
  cli: [
    "run",
    "workers",
    "type udp_roads",
    "names",
    "proxy",
    "mod",
    "tun",
    "tunnel",
    "dns/doh",
    "dns/fake_addresses",
    "dns/message",
    "dns/records",
    "asking",
    "masque",
    "wire",
  ],
  mod: ["*"],
};

/** Rooms that every room may import; among themselves they may, too. */
export const LEAVES: readonly string[] = ["bytes", "outcome", "errors", "log"];

/** Rooms, or files of a room, without clock, chance, waiting or an outside world: these come in as arguments. */
export const PURE: readonly string[] = ["wire", "tcp", "udp", "stack", "masque", "dns", "policy"];

/** Files of pure rooms that stand at the edge of the world. */
export const SHELL: readonly string[] = [
  "dns/doh",
  "dns/exchange",
  "dns/forwarder",
  "dns/race",
  "dns/resolver",
  "dns/serve",
  "dns/server_connection",
];

/** What no pure room names. `Math.random` is looked for as such. */
export const FORBIDDEN_IN_PURE: ReadonlySet<string> = new Set([
  "Promise",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "clearTimeout",
  "clearInterval",
  "queueMicrotask",
  "Date",
  "Temporal",
  "performance",
  "crypto",
  "Deno",
  "process",
  "console",
  "fetch",
  "globalThis",
]);

/** No file is longer. */
export const MAX_FILE_LINES = 300;

/** Half of the files are shorter. */
export const MAX_MEDIAN_LINES = 120;

/** No function is longer. */
export const MAX_FUNCTION_LINES = 60;

/** The room of a path such as `src/wire/tcp.ts` or `mod.ts`; undefined outside of the library. */
export function roomOf(path: string): string | undefined {
  if (path === "mod.ts") return "mod";
  return /^src\/([^/]+?)(?:\.ts)?(?:\/|$)/.exec(path)?.[1];
}

/** Whether a path belongs to a pure room. */
export function isPure(path: string): boolean {
  const room = roomOf(path);
  return room !== undefined && PURE.includes(room) && !SHELL.includes(stem(path));
}

/** Whether the file `from` may import the file `to`, both given from the root of the checkout. */
export function mayImport(from: string, to: string, typesOnly: boolean): boolean {
  const [source, target] = [roomOf(from), roomOf(to)];
  if (source === undefined || target === undefined) return source === undefined;
  if (source === target || LEAVES.includes(target)) return true;
  return (ARROWS[source] ?? []).some((arrow) => {
    const allowed = arrow.replace("type ", "");
    if (arrow !== allowed && !typesOnly) return false;
    return allowed === "*" ? target !== "cli" : allowed === target || allowed === stem(to);
  });
}

/** `src/wire/tcp.ts` -> `wire/tcp`. */
function stem(path: string): string {
  return path.replace(/^src\//, "").replace(/\.ts$/, "");
}
