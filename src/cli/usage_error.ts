/**
 * What the person at the keyboard got wrong.
 *
 * @module
 */

/** A command line that cannot be followed. The message is one sentence without secrets; the program ends with status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
