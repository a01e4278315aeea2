/**
 * What can be wrong with the table: a proof that is not there or did not run, a place in the code that is not there.
 *
 * @module
 */

import type { Chapter, Met } from "./table.ts";
import { type Declared, filesOf } from "./test_names.ts";

/** The rows that are met. */
export function metRows(chapters: readonly Chapter[]): Met[] {
  return chapters.flatMap(({ rows }) => rows).filter((row) => row.kind === "met");
}

/** Rows whose proof no file declares, or more than one. */
export function missingProofs(
  chapters: readonly Chapter[],
  declared: readonly Declared[],
): string[] {
  return metRows(chapters).flatMap(({ id, tests }) => {
    if (tests.length === 0) return [`${id} names no test`];
    return tests.flatMap((name) => {
      const files = filesOf(name, declared);
      if (files.length === 1) return [];
      return [
        `${id} names "${name}", which ${
          files.length === 0 ? "no file" : files.join(" and ")
        } declares`,
      ];
    });
  });
}

/** Rows whose proof did not run, or did not pass. */
export function proofsNotRun(
  chapters: readonly Chapter[],
  passed: ReadonlySet<string>,
): string[] {
  return metRows(chapters).flatMap(({ id, tests }) =>
    tests.filter((name) => !passed.has(name))
      .map((name) => `${id} names "${name}", which did not run and pass`)
  );
}

/** Rows that say to be met in a file or by a name that is not there. `readFile` knows the files below `src`. */
export function missingPlaces(
  chapters: readonly Chapter[],
  readFile: (path: string) => string | undefined,
): string[] {
  return metRows(chapters).flatMap(({ id, at }) =>
    at.filter((place) => {
      const [path, ...names] = place.split(/,? /);
      const source = readFile(path);
      return source === undefined || names.length === 0 ||
        !names.every((name) => new RegExp(`\\b${RegExp.escape(name)}\\b`).test(source));
    }).map((place) => `${id} says to be met at "${place}", which is not there`)
  );
}

/** Ids that stand twice. */
export function repeatedIds(chapters: readonly Chapter[]): string[] {
  return chapters.flatMap(({ title, rows }) => {
    const seen = new Set<string>();
    return rows.filter(({ id }) => seen.has(id) || !seen.add(id))
      .map(({ id }) => `${id} stands twice in ${title}`);
  });
}
