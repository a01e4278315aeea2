/**
 * The options of the benchmark.
 *
 * @module
 */

import { parseArgs } from "node:util";

/** What is to be measured, and where it goes. */
export interface BenchOptions {
  readonly seconds: number;
  readonly rounds: number;
  /** All works and all roads. */
  readonly full: boolean;
  /** Names of peers, or `all`; `NAME=/path` for one that stands there. */
  readonly peers: readonly string[];
  /** Texts of which a work's name must hold one. */
  readonly only: readonly string[];
  /** Names of roads; direct is always among them. */
  readonly roads: readonly string[];
  readonly json?: string;
  readonly chart?: string;
  /** Whether the goals go into the README beside this file. */
  readonly page: boolean;
  /** Whether to watch the processor in place of a clock. */
  readonly profile: boolean;
  /** A JSON of before, in place of measurements. */
  readonly from?: string;
}

/** What `--help` says. */
export const HELP = `deno task bench [options]

  --full             every work on every road of ours; about half an hour
  --peers NAME,...   other programs beside it: sing-box, tun2proxy, tun2socks, hev, invisv, or all
  --peer NAME=PATH   one of them that stands at PATH; repeatable
  --roads NAME,...   only these roads: h1, h1-tls, h2, h2-tls, h3, h1-no-offload, bare-h2-tls, ...
  --only TEXT        only the work of this name, or those whose name holds it; repeatable
  --seconds N        how long each measurement takes (2)
  --rounds N         how often it is repeated, by turns (3)
  --json FILE        write all figures
  --chart FILE       draw the throughput as SVG
  --page             write the goals and what was reached into tests/bench/README.md
  --profile          measure nothing: where the time of up goes, by --cpu-prof; into the README with --page
  --from FILE        measure nothing: goals, chart and page of a JSON that is there`;

/** Reads the command line; ends the program with 2 where it makes no sense. */
export function parseOptions(args: string[]): BenchOptions | "help" {
  try {
    const { values } = parseArgs({
      args,
      options: {
        help: { type: "boolean", short: "h", default: false },
        seconds: { type: "string", default: "2" },
        rounds: { type: "string", default: "3" },
        full: { type: "boolean", default: false },
        peers: { type: "string", default: "" },
        peer: { type: "string", multiple: true, default: [] },
        only: { type: "string", multiple: true, default: [] },
        roads: { type: "string", default: "" },
        json: { type: "string" },
        chart: { type: "string" },
        page: { type: "boolean", default: false },
        profile: { type: "boolean", default: false },
        from: { type: "string" },
      },
    });
    if (values.help) return "help";
    const list = (text: string) => text.split(",").filter((name) => name !== "");
    return {
      seconds: count("seconds", values.seconds),
      rounds: count("rounds", values.rounds),
      full: values.full,
      peers: [...list(values.peers), ...values.peer],
      only: values.only,
      roads: list(values.roads),
      json: values.json,
      chart: values.chart,
      page: values.page,
      profile: values.profile,
      from: values.from,
    };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(2);
  }
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new Error(`Cannot take "${text}" for --${name}: give a number above 0`);
}
