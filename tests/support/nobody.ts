/**
 * Runs programs as a user without any privilege, on a machine whose `/dev/net/tun` and Deno may be root's alone: in a mount namespace
 * of their own there is a node of mode 0666, as on most systems, and a Deno that everybody may run. The machine's own stay as they are.
 *
 * @module
 */

/** The user and group `nobody`. */
const NOBODY = "65534";

/** In words of a shell: $1 a directory, $2 Deno, the rest the command. */
const SCRIPT = `
set -e
directory=$1 deno=$2
shift 2
mount -t tmpfs -o dev,mode=755 tmpfs "$directory"
cd "$directory"
mkdir -m 777 cache bin
mknod -m 666 tun c 10 200
mount --bind tun /dev/net/tun
touch bin/deno
mount --bind "$deno" bin/deno
cd /
export DENO_DIR="$directory/cache" HOME="$directory/cache" PATH="$directory/bin:$PATH"
exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups --inh-caps=-all -- "$@"
`;

/** A place to run programs as nobody. */
export interface NobodysPlace extends AsyncDisposable {
  /** The command line (needs root) that runs `command` as nobody; `deno` in it is the Deno that runs here. */
  command(...command: string[]): string[];
}

/** Makes a place to run programs as nobody. */
export async function nobodysPlace(): Promise<NobodysPlace> {
  const directory = await Deno.makeTempDir({ prefix: "pseudotcp-nobody-" });
  await Deno.chmod(directory, 0o755);
  return {
    command: (...command) => [
      ...["unshare", "--mount", "--", "sh", "-c", SCRIPT, "sh", directory, Deno.execPath()],
      ...command,
    ],
    [Symbol.asyncDispose]: () => Deno.remove(directory),
  };
}
