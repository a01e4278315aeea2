/**
 * Finds peers or installs them, and makes a road of each.
 *
 * @module
 */

import type { RoadPlan } from "../roads/road.ts";
import { KNOWN } from "./known.ts";
import type { Peer } from "./peer.ts";
import { peerRoad, viaSingBox } from "./road.ts";

/** What was found. */
export interface FoundPeers {
  readonly roads: readonly RoadPlan[];
  readonly versions: Readonly<Record<string, string>>;
  /** Which are not there, and why. */
  readonly missing: readonly string[];
}

const NONE: FoundPeers = { roads: [], versions: {}, missing: [] };

/** The hop behind every peer is sing-box's own proxy, so it is always looked for. */
const HOP = "sing-box";

/** Looks for the peers of `wanted`: names, `all`, or `NAME=PATH`. */
export async function findPeers(
  wanted: readonly string[],
  tell: (words: string) => void,
): Promise<FoundPeers> {
  if (wanted.length === 0) return NONE;
  const given = new Map(wanted.filter((word) => word.includes("=")).map(splitOnce));
  const isWanted = ({ name }: Peer) =>
    wanted.includes("all") || wanted.includes(name) || given.has(name) || name === HOP;
  const missing = wanted
    .map((word) => word.split("=")[0])
    .filter((name) => name !== "all" && !KNOWN.some((peer) => peer.name === name))
    .map((name) => `${name}: nothing here knows how to drive it`);
  const programs = new Map<Peer, string>();
  const versions: Record<string, string> = {};
  for (const peer of KNOWN.filter(isWanted)) {
    try {
      const path = given.get(peer.name) ?? await installed(peer, tell);
      versions[peer.name] = await versionOf(peer, path);
      programs.set(peer, path);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      missing.push(`${peer.name} cannot be had: ${inOneLine(why)}`);
    }
  }
  const hop = [...programs].find(([{ name }]) => name === HOP)?.[1];
  if (hop === undefined) return { roads: [], versions, missing: [...missing, "the peers' proxy"] };
  const roads = [...programs].map(([peer, path]) => peerRoad(peer, path, hop));
  return { roads: [viaSingBox(hop), ...roads], versions, missing };
}

function splitOnce(word: string): [name: string, path: string] {
  const at = word.indexOf("=");
  return [word.slice(0, at), word.slice(at + 1)];
}

/** What a package client said, without addresses: the report is to be published. */
function inOneLine(words: string): string {
  return words.split("\n").slice(0, 2).join(" ").replaceAll(/https?:\/\/\S+/g, "").slice(0, 200);
}

/** The program of an earlier run, or a fresh one. */
async function installed(peer: Peer, tell: (words: string) => void): Promise<string> {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/tmp"}/.cache`;
  const folder = `${cache}/pseudotcp-bench/${peer.name}`;
  const note = `${folder}/.program`;
  const known = await Deno.readTextFile(note).catch(() => undefined);
  if (known !== undefined) return known;
  tell(`Getting ${peer.name} ...`);
  await Deno.mkdir(folder, { recursive: true });
  const program = await peer.install(folder);
  await Deno.writeTextFile(note, program);
  return program;
}

async function versionOf({ versionArgs }: Peer, path: string): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(path, { args: [...versionArgs] }).output();
  const text = new TextDecoder().decode(stdout.length > 0 ? stdout : stderr);
  return /\d+\.\d+\S*/.exec(text)?.[0] ?? "of unknown version";
}
