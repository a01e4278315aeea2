/**
 * Which tests there are, read from the files, and which of them ran, read from the reports of `deno test`.
 *
 * @module
 */

/** A test as it stands in a file. A name made of pieces is a pattern. */
export interface Declared {
  /** From the root of the checkout. */
  readonly path: string;
  readonly name: string | RegExp;
}

/** Where the proofs of the table live: everything that `deno task ok` runs beside the architecture. */
export const PROOF_FOLDERS: readonly string[] = ["tests/conformance", "tests/sim", "tests/unit"];

/** The tests that a file declares. */
export function declaredIn(path: string, source: string): Declared[] {
  const literal = /Deno\.test\(\s*(?:"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g;
  return [...source.matchAll(literal)].map(([, plain, template]) => ({
    path,
    name: plain !== undefined ? JSON.parse(`"${plain}"`) : patternOf(template),
  }));
}

/** A template as a pattern: what stands in `${}` may be anything. */
function patternOf(template: string): RegExp {
  const parts = template.split(/\$\{[^}]*\}/);
  return new RegExp(`^${parts.map((part) => RegExp.escape(part)).join(".+")}$`, "s");
}

/** Every test of the folders, by themselves those with proofs. */
export async function readDeclared(
  root: URL,
  folders: readonly string[] = PROOF_FOLDERS,
): Promise<Declared[]> {
  const found: Declared[] = [];
  const walk = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(new URL(`${folder}/`, root))) {
      const path = `${folder}/${name}`;
      if (isDirectory) await walk(path);
      else if (name.endsWith("_test.ts")) {
        found.push(...declaredIn(path, await Deno.readTextFile(new URL(path, root))));
      }
    }
  };
  for (const folder of folders) await walk(folder);
  return found;
}

/** The files that declare a test of this name: one, when all is well. */
export function filesOf(name: string, declared: readonly Declared[]): string[] {
  const exact = declared.filter((each) => each.name === name);
  const matching = declared.filter((each) => each.name instanceof RegExp && each.name.test(name));
  const found = exact.length > 0 ? exact : matching;
  return [...new Set(found.map(({ path }) => path))];
}

/** The names of the tests that ran and passed, from reports as `deno test --junit-path` writes them. */
export function passedIn(reports: readonly string[]): Set<string> {
  const passed = new Set<string>();
  for (const report of reports) {
    const cases = report.matchAll(/<testcase name="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g);
    for (const [, name, body = ""] of cases) {
      if (!/<(?:failure|error|skipped)\b/.test(body)) passed.add(unescapeXml(name));
    }
  }
  return passed;
}

const ENTITIES: { readonly [entity: string]: string } = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    return String.fromCodePoint(hex !== undefined ? parseInt(hex, 16) : Number(decimal));
  });
}
