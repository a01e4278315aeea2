import { assertEquals } from "@std/assert";
import { countJunit, countRun, NONE, summaryLine } from "../../support/summary.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="5" failures="2" errors="0" time="0.02">
    <testsuite name="./a_test.ts" tests="3" disabled="1" errors="0" failures="1">
        <testcase name="a &lt;testsuite tests" classname="./a_test.ts" time="0.015"></testcase>
    </testsuite>
    <testsuite name="./b_test.ts" tests="2" disabled="0" errors="0" failures="0">
    </testsuite>
</testsuites>`;

Deno.test("the counts of all suites are added up", () => {
  assertEquals(countJunit(REPORT), { passed: 3, failed: 1, skipped: 1 });
  assertEquals(countJunit(""), NONE);
});

Deno.test("a run that broke before its tests is a failure", () => {
  assertEquals(countRun(undefined, 1), { passed: 0, failed: 1, skipped: 0 });
  assertEquals(countRun(undefined, 0), NONE);
  assertEquals(countRun(REPORT, 1), { passed: 3, failed: 1, skipped: 1 });
});

Deno.test("the last line names skips only when there are some", () => {
  assertEquals(summaryLine({ passed: 2, failed: 0, skipped: 0 }), "2 passed, 0 failed");
  assertEquals(summaryLine({ passed: 2, failed: 1, skipped: 3 }), "2 passed, 1 failed, 3 skipped");
});
