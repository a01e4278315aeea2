/**
 * The version of this program; a test keeps it equal to the one in `deno.json`, which a program loaded by URL does not have.
 *
 * @module
 */

/** The version, as in `deno.json`. */
export const VERSION = "0.1.0";
