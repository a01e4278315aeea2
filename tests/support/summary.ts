/**
 * Adds up what test runs did, and says it in the one line that ends a run.
 *
 * @module
 */

/** What came of the tests. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Nothing was run. */
export const NONE: Counts = { passed: 0, failed: 0, skipped: 0 };

/** The sum of two runs. */
export function addCounts(a: Counts, b: Counts): Counts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/** Reads the counts from a JUnit report as `deno test --junit-path` writes it. */
export function countJunit(xml: string): Counts {
  let counts = NONE;
  for (const [suite] of xml.matchAll(/<testsuite\s[^>]*>/g)) {
    const read = (name: string) => Number(new RegExp(`\\s${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
    const [tests, skipped] = [read("tests"), read("disabled")];
    const failed = read("failures") + read("errors");
    counts = addCounts(counts, { passed: tests - failed - skipped, failed, skipped });
  }
  return counts;
}

/** A run that ended badly without a failed test (a module that did not load) is a failure too. */
export function countRun(xml: string | undefined, exitCode: number): Counts {
  const counts = xml === undefined ? NONE : countJunit(xml);
  return exitCode !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/** `N passed, N failed`, and `, N skipped` when some were. */
export function summaryLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
