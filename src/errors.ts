/**
 * The errors that PseudoTCP throws. Foreign bytes never throw (they are counted drops) and a proxy's refusal is
 * an {@linkcode Outcome}; what is left is a device that cannot be had, a proxy that gave no answer, and a caller's mistake
 * (`TypeError`, `RangeError`).
 *
 * @module
 */

import type { Outcome } from "./outcome.ts";

/** Why a device could not be opened or used. */
export type DeviceErrorCode =
  | "not-found"
  | "not-permitted"
  | "name-taken"
  | "unsupported"
  | "closed"
  | "failed";

/** A packet device could not be opened or used. */
export class DeviceError extends Error {
  /** `DeviceError`. */
  override readonly name = "DeviceError";
  /** Why, for programs. */
  readonly code: DeviceErrorCode;

  /** `message` says what was wrong and what to do next. */
  constructor(code: DeviceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The proxy gave no answer: it could not be reached, or the connection to it broke before the answer. */
export class ProxyError extends Error {
  /** `ProxyError`. */
  override readonly name = "ProxyError";
  /** What becomes of the flow that asked. */
  readonly outcome: Outcome;

  /** The message is the outcome's detail. */
  constructor(outcome: Outcome, options?: ErrorOptions) {
    super(outcome.detail, options);
    this.outcome = outcome;
  }
}

/** A flow is over before its time: the program reset it, or it fell silent. */
export class FlowError extends Error {
  /** `FlowError`. */
  override readonly name = "FlowError";
  /** What ended it. */
  readonly reason: "reset" | "timeout";

  /** The message follows from the reason. */
  constructor(reason: "reset" | "timeout") {
    super(
      reason === "reset"
        ? "The connection was reset"
        : "The connection timed out: the program did not answer any more",
    );
    this.reason = reason;
  }
}
