/**
 * Runs the steps of `deno task ok`, `test` and `std`, and adds up what they found.
 *
 * The very last line is `N passed, N failed`, with `, N skipped` when something was. Each check counts as one test.
 * Every test that the requirement table names (`tests/conformance`) must be among those that ran and passed.
 * With `CI=true` a skip is a failure. Anything after the task's name goes to `deno test`, for instance `--filter name`.
 *
 * @module
 */

import { stripVTControlCharacters, styleText } from "node:util";
import { CHAPTERS } from "./conformance/chapters.ts";
import { metRows, proofsNotRun } from "./conformance/check.ts";
import { passedIn } from "./conformance/test_names.ts";
import { addCounts, countRun, type Counts, NONE, summaryLine } from "./support/summary.ts";

/** One thing to run: `deno` with these arguments. */
interface Step {
  readonly name: string;
  readonly args: readonly string[];
  /** It runs tests, whose numbers are added up. */
  readonly tests?: boolean;
  /** Its tests count towards the coverage of the core. */
  readonly covers?: boolean;
  /** Show what it says at once: it takes long. */
  readonly live?: boolean;
}

const CHECKS: readonly Step[] = [
  { name: "format", args: ["fmt", "--check"] },
  { name: "lint and arrows", args: ["lint"] },
  { name: "types", args: ["check", "--doc", "."] },
  { name: "docs", args: ["doc", "--lint", "mod.ts"] },
];

const PRELOAD = "--preload=tests/support/libraries.ts";
const EXAMPLES = ["src", "mod.ts", "README.md"].filter(exists);

/** The rooms whose branches are held above the threshold in `deno.json`, and the tests of each. */
const COVERED = ["wire", "tcp", "stack"];
const COVERED_TESTS = COVERED.map((room) => `tests/unit/${room}`);

/** `deno check` has seen the types. */
const SMALL_TESTS: readonly Step[] = [
  { name: "examples in docs", args: ["--doc", PRELOAD, ...EXAMPLES], tests: true },
  { name: "architecture", args: ["tests/architecture"], tests: true },
  { name: "conformance", args: ["tests/conformance"], tests: true, covers: true },
  { name: "simulation", args: ["tests/sim"], tests: true },
];
const UNIT_TESTS: readonly Step[] = [
  { name: "core", args: ["--parallel", ...COVERED_TESTS], tests: true, covers: true },
  { name: "unit", args: ["--parallel", "tests/unit", `--ignore=${COVERED_TESTS}`], tests: true },
];
const TESTS = [...SMALL_TESTS, ...UNIT_TESTS];

/** Side by side: the checks and the small tests use one core each. */
const LANES: readonly (readonly Step[])[] = [[...CHECKS, ...SMALL_TESTS], UNIT_TESTS];

const INTEGRATION: Step = {
  name: "integration",
  args: ["tests/integration"],
  tests: true,
  live: true,
};

const isCi = Deno.env.get("CI") === "true";

const FUZZ: Step = {
  name: "fuzz",
  args: ["run", "-A", "--no-check", "tests/sim/fuzz.ts", "--seconds", isCi ? "30" : "10"],
};

/** Longer than the longest step takes on two busy cores; beyond it something hangs. */
const STEP_TIMEOUT_MS = 20 * 60_000;

async function main(task: string | undefined, rest: readonly string[]): Promise<number> {
  if (task === "ok") return await runSteps(LANES, [], rest);
  if (task === "test") return await runSteps(LANES, [FUZZ, INTEGRATION], rest);
  if (task === "std") return await runAgainstRealStd(rest);
  console.error(`Cannot run "${task}": say ok, test or std`);
  return 2;
}

/** Runs the lanes side by side, looks at what they proved, and runs `after` one by one, for those want the machine for themselves. */
async function runSteps(
  lanes: readonly (readonly Step[])[],
  after: readonly Step[],
  rest: readonly string[],
): Promise<number> {
  await using folder = await temporaryFolder();
  const tally = new Tally();
  const run = async (steps: readonly Step[]) => {
    for (const step of steps) tally.add(step.name, await runStep(step, rest, folder.path));
  };
  await Promise.all(lanes.map(run));
  if (!isFiltered(rest)) {
    tally.add("proofs", await checkProofs(folder.path));
    tally.add("coverage", await checkCoverage(folder.path));
  }
  await run(after);
  return tally.end();
}

class Tally {
  #counts = NONE;
  readonly #failed: string[] = [];

  add(name: string, counts: Counts): void {
    if (counts.failed > 0) this.#failed.push(name);
    this.#counts = addCounts(this.#counts, counts);
  }

  /** Says the last line, and gives the exit status. */
  end(): number {
    let counts = this.#counts;
    if (isCi && counts.skipped > 0) {
      console.log("With CI=true nothing may be skipped: the skipped tests count as failed");
      counts = { ...counts, failed: counts.failed + counts.skipped, skipped: 0 };
    }
    if (this.#failed.length > 0) console.log(`Failed: ${this.#failed.join(", ")}`);
    console.log(summaryLine(counts));
    return counts.failed === 0 ? 0 : 1;
  }
}

/** Every test that the requirement table names has run and passed. */
async function checkProofs(folder: string): Promise<Counts> {
  const reports = TESTS.map(async (step) => await readIfThere(reportOf(step, folder)) ?? "");
  const missing = proofsNotRun(CHAPTERS, passedIn(await Promise.all(reports)));
  for (const line of missing) console.log(line);
  say("proofs", missing.length > 0, ` of ${metRows(CHAPTERS).length} requirements`);
  return { passed: missing.length > 0 ? 0 : 1, failed: missing.length > 0 ? 1 : 0, skipped: 0 };
}

/** Enough of the branches of the core were taken. */
async function checkCoverage(folder: string): Promise<Counts> {
  const include = `--include=/src/(${COVERED.join("|")})/`;
  const { code, said } = await runDeno(["coverage", include, coverageIn(folder)], false);
  if (code !== 0) console.log(said.trimEnd());
  const [, branches] = /All files\D+([\d.]+)/.exec(stripVTControlCharacters(said)) ?? [];
  say("coverage", code !== 0, `, ${branches} % of the branches of ${COVERED.join(", ")}`);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

function coverageIn(folder: string): string {
  return `${folder}/coverage`;
}

function reportOf(step: Step, folder: string): string {
  return `${folder}/${step.name.replaceAll(" ", "-")}.xml`;
}

function say(name: string, hasFailed: boolean, more: string): void {
  const mark = hasFailed ? styleText("red", "failed") : styleText("green", "ok");
  console.log(`${name.padEnd(18)} ${mark}${more}`);
}

async function runStep(step: Step, rest: readonly string[], folder: string): Promise<Counts> {
  const start = performance.now();
  const report = reportOf(step, folder);
  const coverage = step.covers
    ? [`--coverage=${coverageIn(folder)}`, "--coverage-raw-data-only"]
    : [];
  const args = step.tests
    ? ["test", "-A", "--no-check", `--junit-path=${report}`, ...coverage, ...step.args, ...rest]
    : step.args;
  if (step.live) console.log(`${step.name} ...`);
  const { code, said } = await runDeno(args, step.live === true);
  const counts = step.tests
    ? withoutFiltered(countRun(await readIfThere(report), code), rest)
    : { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  if (counts.failed > 0 && !step.live) console.log(said.trimEnd());
  const numbers = step.tests ? `, ${summaryLine(counts)}` : "";
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  say(step.name, counts.failed > 0, `${numbers} (${seconds} s)`);
  return counts;
}

/** In the report a test that was not asked for looks like one that was skipped. */
function withoutFiltered(counts: Counts, rest: readonly string[]): Counts {
  return isFiltered(rest) ? { ...counts, skipped: 0 } : counts;
}

function isFiltered(rest: readonly string[]): boolean {
  return rest.some((word) => word.startsWith("--filter"));
}

async function runDeno(args: readonly string[], live: boolean) {
  const stdio = live ? "inherit" : "piped";
  const command = new Deno.Command(Deno.execPath(), {
    args: [...args],
    stdin: "null",
    stdout: stdio,
    stderr: stdio,
    env: Deno.stdout.isTerminal() ? {} : { NO_COLOR: "1" },
    signal: AbortSignal.timeout(STEP_TIMEOUT_MS),
  });
  if (live) return { code: (await command.spawn().status).code, said: "" };
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** The same tests with a configuration without `links`, so that `jsr:` means the real packages. */
async function runAgainstRealStd(rest: readonly string[]): Promise<number> {
  const registry = Deno.env.get("JSR_URL") ?? "https://jsr.io";
  const obstacle = await whyUnreachable(new URL("/@std/assert/meta.json", registry));
  if (obstacle !== undefined) {
    console.error(
      `JSR cannot be reached at "${registry}" (${obstacle}): nothing was run against the real packages`,
    );
    return 1;
  }
  await using folder = await temporaryFolder();
  const { links: _, ...config } = JSON.parse(await Deno.readTextFile("deno.json"));
  const path = `${folder.path}/deno.json`;
  await Deno.writeTextFile(path, JSON.stringify({ ...config, lint: undefined }));
  const names = ["conformance", "core", "unit", "simulation"];
  const steps = TESTS.filter(({ name }) => names.includes(name));
  return await runSteps([steps], [], [`--config=${path}`, ...rest]);
}

async function whyUnreachable(url: URL): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    await response.body?.cancel();
    return response.ok ? undefined : `status ${response.status}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "pseudotcp-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(new URL(`../${path}`, import.meta.url));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

if (import.meta.main) {
  Deno.chdir(new URL("..", import.meta.url));
  // Deno asks now and then whether there is a newer one: a packet that no test can tell from a leak.
  Deno.env.set("DENO_NO_UPDATE_CHECK", "1");
  const [task, ...rest] = Deno.args;
  Deno.exit(await main(task, rest));
}
