/**
 * What `doctor` finds: one line each, and what to do about it.
 *
 * @module
 */

import { styleText } from "node:util";
import { DeviceError, ProxyError } from "../../errors.ts";
import { UsageError } from "../usage_error.ts";

/**
 * - `ok`: as it should be.
 * - `note`: it works, with less than there could be.
 * - `no`: it does not work.
 */
export type Verdict = "ok" | "note" | "no";

/** One line. */
export interface Finding {
  readonly verdict: Verdict;
  /** What was found, in a sentence without a period. */
  readonly words: string;
}

const WIDTH = 4;
const COLORS = { ok: "green", note: "yellow", no: "red" } as const;

/** A finding as a line of the terminal. */
export function lineOf({ verdict, words }: Finding, color: boolean): string {
  const label = verdict.padEnd(WIDTH);
  return `${
    color ? styleText(COLORS[verdict], label, { validateStream: false }) : label
  }  ${words}`;
}

/** All is well. */
export function ok(words: string): Finding {
  return { verdict: "ok", words };
}

/** It works; `advice` gets more out of it. */
export function note(words: string, advice?: string): Finding {
  return { verdict: "note", words: advice === undefined ? words : `${words}: ${advice}` };
}

/** It does not work; `advice` mends it. */
export function no(words: string, advice?: string): Finding {
  return { verdict: "no", words: advice === undefined ? words : `${words}: ${advice}` };
}

/** The sentence of an error that carries one for people; anything else is a fault of ours, and thrown on. */
export function sentenceOf(error: unknown): string {
  const isForPeople = [DeviceError, ProxyError, UsageError].some((kind) => error instanceof kind);
  if (isForPeople) return (error as Error).message;
  throw error;
}
