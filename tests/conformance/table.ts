/**
 * What a row of the requirement table is.
 *
 * @module
 */

/** One requirement, in our words, and what became of it. */
export type Row = Met | NotApplicable | NotMet;

/** A requirement that is met, and shown to be. */
export interface Met {
  readonly kind: "met";
  readonly id: string;
  readonly text: string;
  /** Files below `src`, each with a name that stands in it: `tcp/receive.ts checkSequence`. */
  readonly at: readonly string[];
  /** The names of the tests that fail when it is not met. */
  readonly tests: readonly string[];
  /** What a reader should know beside it. */
  readonly note?: string;
}

/** A requirement about something that is not there. */
export interface NotApplicable {
  readonly kind: "not applicable";
  readonly id: string;
  readonly text: string;
  /** Completes "not applicable because". */
  readonly because: string;
}

/** A requirement that is not met. */
export interface NotMet {
  readonly kind: "not met";
  readonly id: string;
  readonly text: string;
  /** Completes "not met because", with what happens in its place. */
  readonly because: string;
}

/** The rows of one RFC, or of a few that belong together. */
export interface Chapter {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** A row that is met. */
export function met(
  id: string,
  text: string,
  at: string | readonly string[],
  tests: string | readonly string[],
  note?: string,
): Met {
  return { kind: "met", id, text, at: [at].flat(), tests: [tests].flat(), note };
}

/** A row that does not apply. */
export function notApplicable(id: string, text: string, because: string): NotApplicable {
  return { kind: "not applicable", id, text, because };
}

/** A row that is not met. */
export function notMet(id: string, text: string, because: string): NotMet {
  return { kind: "not met", id, text, because };
}
