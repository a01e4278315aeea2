/**
 * The file of names that hosts(5) describes: `ADDRESS NAME [ALIAS...]` on each line, `#` begins a comment.
 *
 * @module
 */

import { formatIp, parseIp } from "../wire/address.ts";
import { canonicalName, isHostName } from "./name.ts";

/** Names and addresses that somebody wrote down. Bounded by the file, which is the operator's own. */
export class Hosts {
  readonly #addresses = new Map<string, Uint8Array<ArrayBuffer>[]>();
  readonly #names = new Map<string, string>();
  /** Lines that say nothing, by their number from 1. */
  readonly badLines: readonly number[];

  /** Reads the text of a file. A line that makes no sense is left out and noted, as the C library leaves it out. */
  constructor(text = "") {
    const badLines: number[] = [];
    text.split(/\r?\n/).forEach((line, i) => {
      if (!this.#readLine(line)) badLines.push(i + 1);
    });
    this.badLines = badLines;
  }

  /** How many names are known. */
  get size(): number {
    return this.#addresses.size;
  }

  /** The addresses of a name in lower case, of both families, in the order of the file; undefined when it is not in the file. */
  addressesOf(name: string): readonly Uint8Array<ArrayBuffer>[] | undefined {
    return this.#addresses.get(name);
  }

  /** The first name that the file gives an address (4 or 16 bytes). */
  nameOf(address: Uint8Array): string | undefined {
    return this.#names.get(formatIp(address));
  }

  #readLine(line: string): boolean {
    const [text, ...names] = line.replace(/#.*/s, "").trim().split(/\s+/);
    if (text === "") return true;
    // A scope, as in fe80::1%eth0, means nothing to a program in another network.
    const address = parseIp(text);
    if (address === undefined || names.length === 0 || !names.every(isHostName)) return false;
    for (const name of names.map(canonicalName)) {
      const known = this.#addresses.get(name) ?? [];
      if (!known.some((other) => formatIp(other) === formatIp(address))) known.push(address);
      this.#addresses.set(name, known);
    }
    const reverse = formatIp(address);
    if (!this.#names.has(reverse)) this.#names.set(reverse, names[0]);
    return true;
  }
}
