/**
 * What the samples of a processor profile were busy with.
 *
 * @module
 */

/** The parts of a profile that are read here (the format of the Chrome DevTools Protocol, domain Profiler). */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  /** Microseconds of CLOCK_MONOTONIC. */
  readonly startTime: number;
  /** The node of each sample. */
  readonly samples: readonly number[];
  /** Microseconds from each sample to the one before. */
  readonly timeDeltas: readonly number[];
}

/** A span of CLOCK_MONOTONIC, in microseconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const IDLE = "(idle)";

/**
 * Parts in the order in which they are asked, each with what its functions look like: `name url`. System calls of the device are made
 * through FFI, which stands under the function that calls; those of sockets under the runtime's own.
 */
const PARTS: readonly { readonly words: string; readonly looks: RegExp }[] = [
  { words: "idle", looks: /^\(idle\)/ },
  { words: "system call: `read` from the device", looks: /^(readFrame|#read|take) .*\/tun\// },
  { words: "system call: `write` to the device", looks: /^(writeFrame|#write\w*) .*\/tun\// },
  { words: "TLS", looks: /^(readBuffer|getOutgoingChunk) $|\/tls_wrap|\/_tls_/ },
  {
    words: "system calls of sockets, and TLS within them",
    looks: /^(writeBuffer|writev|readStart|op_(net|tls|read|write)\w*) $/,
  },
  { words: "copies of payload", looks: /\/(receive_queue|send_queue|assembler)\.ts$/ },
  { words: "garbage", looks: /^\(garbage collector\)/ },
  { words: "our own TCP, packets and relay", looks: /\/src\/(tcp|udp|wire|stack|flow|relay)/ },
  { words: "our own HTTP", looks: /\/src\// },
  {
    words: "streams of the runtime: Web Streams, `node:net`",
    looks:
      /06_streams|internal\/(streams|http2|internal_binding)|stream_base|\/(net|http2|_tls_\w+|stream)(\.\w+)?$|node:stream|^receive $/,
  },
];

/** Everything without a part of its own. */
const REST = "event loop, promises, and what else the runtime does";

/** The names of all parts but idleness, in the order of the table. */
export const PART_NAMES: readonly string[] = [...PARTS.slice(1).map(({ words }) => words), REST];

/** Where time went: idle is a share of all of it, the parts are shares of the rest. */
export interface Shares {
  readonly idle: number;
  readonly busy: ReadonlyMap<string, number>;
}

/** The shares within `span`. */
export function sharesOf(
  profile: CpuProfile,
  span: Span,
): Shares {
  const partOf = new Map(profile.nodes.map(({ id, callFrame }) => [id, partName(callFrame)]));
  const times = new Map<string, number>();
  let at = profile.startTime;
  profile.samples.forEach((node, i) => {
    at += profile.timeDeltas[i];
    if (at < span.from || at > span.to) return;
    const part = partOf.get(node)!;
    times.set(part, (times.get(part) ?? 0) + profile.timeDeltas[i]);
  });
  const all = [...times.values()].reduce((sum, time) => sum + time, 0);
  const idle = times.get("idle") ?? 0;
  times.delete("idle");
  return {
    idle: idle / all,
    busy: new Map([...times].map(([part, time]) => [part, time / (all - idle)])),
  };
}

function partName({ functionName, url }: { functionName: string; url: string }): string {
  if (functionName === IDLE) return "idle";
  const look = `${functionName} ${url}`;
  return PARTS.find(({ looks }) => looks.test(look))?.words ?? REST;
}

/** The functions that took most of a part, for whoever wants to know what is in it. */
export function heaviest(profile: CpuProfile, span: Span, part: string, count: number): string[] {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const times = new Map<string, number>();
  let at = profile.startTime;
  profile.samples.forEach((node, i) => {
    at += profile.timeDeltas[i];
    const frame = nodes.get(node)!;
    if (at < span.from || at > span.to || partName(frame) !== part) return;
    const name = `${frame.functionName} ${frame.url.split("/").slice(-2).join("/")}`;
    times.set(name, (times.get(name) ?? 0) + profile.timeDeltas[i]);
  });
  return [...times].sort(([, a], [, b]) => b - a).slice(0, count)
    .map(([name, time]) => `${(time / 1000).toFixed(0)} ms ${name}`);
}
