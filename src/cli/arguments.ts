/**
 * From words to options: which options stand on a command line, with which texts. What the texts mean is `values.ts`.
 *
 * @module
 */

import { parseArgs } from "node:util";
import type { OptionSpec } from "./option_table.ts";
import { UsageError } from "./usage_error.ts";

/** What stands on a command line. */
export interface Arguments {
  /** The texts of each option that stands there; an option without a value has an empty list. */
  readonly options: ReadonlyMap<string, readonly string[]>;
  /** The same for the options that belong to one proxy each: one for each `--proxy`, in order, or one without any. */
  readonly hops: readonly Arguments[];
  /** Everything from the first word that belongs to no option. */
  readonly rest: readonly string[];
}

/** The option that begins a hop. */
const HOP = "proxy";

/**
 * Reads `words` by the table of options. The first word that belongs to no option, or what follows `--`, begins the rest,
 * which is left as it is.
 *
 * @throws {UsageError} If an option is unknown, stands twice, or has a value too many or too few
 */
export function readArguments(words: readonly string[], specs: readonly OptionSpec[]): Arguments {
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  const config = Object.fromEntries(
    specs.map((
      { name, value },
    ) => [name, { type: value ? "string" as const : "boolean" as const }]),
  );
  const { tokens } = parseArgs({
    args: [...words],
    options: { ...config, help: { type: "boolean", short: "h" } },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const options = new Map<string, string[]>();
  const hops = [new Map<string, string[]>()];
  const found = (rest: readonly string[]): Arguments => ({
    options,
    hops: hops.map((options) => ({ options, hops: [], rest: [] })),
    rest,
  });
  for (const token of tokens) {
    if (token.kind === "option-terminator") return found(words.slice(token.index + 1));
    if (token.kind === "positional") return found(words.slice(token.index));
    const spec = byName.get(token.name);
    if (spec === undefined) throw new UsageError(unknown(token.rawName, [...byName.keys()]));
    const text = checkValue(spec, token.value, token.inlineValue === true);
    // A further --proxy is a further hop, and what follows is about that one.
    if (spec.name === HOP && hops.at(-1)!.has(HOP)) hops.push(new Map());
    const place = spec.isOfHop ? hops.at(-1)! : options;
    const texts = place.get(spec.name);
    if (texts !== undefined && !spec.repeats) {
      throw new UsageError(`Option --${spec.name} stands twice: give it once`);
    }
    place.set(spec.name, [...texts ?? [], ...text]);
  }
  return found([]);
}

/** Applies `read` to the option's text, if it stands there. */
export function one<T>(found: Arguments, option: string, read: (text: string) => T): T | undefined {
  const text = found.options.get(option)?.[0];
  return text === undefined ? undefined : read(text);
}

/** Applies `read` to each of the option's texts. */
export function all<T>(found: Arguments, option: string, read: (text: string) => T): T[] {
  return (found.options.get(option) ?? []).map(read);
}

/**
 * At most one of the options may stand there.
 *
 * @throws {UsageError} If two do
 */
export function exclude(found: Arguments, option: string, others: readonly string[]): void {
  const other = others.find((name) => found.options.has(name));
  if (other === undefined || !found.options.has(option)) return;
  throw new UsageError(`Options --${option} and --${other} exclude each other: give one`);
}

function checkValue(spec: OptionSpec, value: string | undefined, isInline: boolean): string[] {
  if (spec.value === undefined) {
    if (value === undefined) return [];
    throw new UsageError(`Option --${spec.name} takes no value: leave out what follows the "="`);
  }
  // "--token --insecure" is a forgotten value, and must not become the token "--insecure".
  if (value === undefined || (!isInline && value.startsWith("-"))) {
    throw new UsageError(
      `Option --${spec.name} needs a value: --${spec.name} ${spec.value}` +
        (value === undefined ? "" : `, or --${spec.name}=... for one that begins with a hyphen`),
    );
  }
  return [value];
}

function unknown(rawName: string, names: readonly string[]): string {
  const wanted = rawName.replace(/^-+/, "");
  const near = names.find((name) => distance(name, wanted) <= 2);
  return `There is no option "${rawName}": ` +
    (near === undefined ? "--help lists all" : `did you mean --${near}?`);
}

/** Edits from one word to the other (Levenshtein): a mistyped option is one or two away. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
