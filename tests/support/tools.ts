/**
 * Finds the programs that integration tests drive. Servers live in `sbin`, which a user's PATH often lacks.
 *
 * @module
 */

const FURTHER_FOLDERS = [
  "/usr/local/sbin",
  "/usr/sbin",
  "/sbin",
  "/usr/local/bin",
  "/usr/bin",
  "/bin",
];

/** The path of a program, or undefined when this machine has none. */
export function findTool(name: string): string | undefined {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), ...FURTHER_FOLDERS];
  return folders.map((folder) => `${folder}/${name}`).find(isProgram);
}

/** The path of a program that must be there. */
export function requireTool(name: string): string {
  const path = findTool(name);
  if (path === undefined) throw new Error(`Cannot find the program "${name}": .ci/run installs it`);
  return path;
}

/** Runs a program to its end and gives what it wrote; throws with its words when it fails. */
export async function runTool(name: string, ...args: string[]): Promise<string> {
  const command = new Deno.Command(requireTool(name), {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  if (code === 0) return decoder.decode(stdout);
  const words = decoder.decode(stderr).trim() || decoder.decode(stdout).trim();
  throw new Error(`"${[name, ...args].join(" ")}" ended with ${code}: ${words}`);
}

function isProgram(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch {
    return false; // not there, or not for us to see
  }
}
