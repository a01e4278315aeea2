/**
 * The C library through `Deno.dlopen`, for Linux on x86-64 and AArch64: each room names the calls that it needs.
 *
 * @module
 */

/** Deno takes a number wherever its types ask for a bigint, and no size or request here leaves the safe integers. */
type WithNumbers<F> = F extends (...parameters: infer P) => infer R
  ? (...parameters: { [K in keyof P]: P[K] extends bigint ? number : P[K] }) => R
  : never;

type Calls<S extends Deno.ForeignLibraryInterface> = Deno.DynamicLibrary<S>["symbols"];

/** The functions asked for, as Deno calls them. */
export type CLibrary<S extends Deno.ForeignLibraryInterface> =
  & { readonly [Name in keyof Calls<S>]: WithNumbers<Calls<S>[Name]> }
  & {
    /** The error number of the latest failed call: ask before anything else is called. */
    errno(): number;
  };

/** glibc, then musl under the names it has on each architecture. */
const LIBRARIES = ["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`];

const ERRNO = {
  __errno_location: { parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/**
 * Opens the C library. Needs `--allow-ffi`; it stays open until the program ends, or whoever holds the result lets it go.
 *
 * @throws {Deno.errors.NotCapable} Without the permission
 * @throws {Error} When there is no such library, or it lacks a function
 */
export function openCLibrary<const S extends Deno.ForeignLibraryInterface>(
  symbols: S,
): CLibrary<S> {
  let cause: unknown;
  for (const library of LIBRARIES) {
    try {
      const { symbols: calls } = Deno.dlopen(library, symbols);
      const { __errno_location } = Deno.dlopen(library, ERRNO).symbols;
      return { ...calls, errno: errnoAt(__errno_location()!) } as unknown as CLibrary<S>;
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      cause ??= error;
    }
  }
  throw cause;
}

/** The address of `errno` is fixed for a thread, and a module lives on one: so it is looked up once and read like an array. */
function errnoAt(location: Deno.PointerObject): () => number {
  const errno = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(location, 4));
  return () => errno[0];
}
