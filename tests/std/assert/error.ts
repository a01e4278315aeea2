/** An assertion did not hold. */
export class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** `: msg` or a full stop, the way the messages end. */
export function suffix(msg?: string): string {
  return msg ? `: ${msg}` : ".";
}
