/**
 * A question to the proxy, and what it means when there is no answer to it.
 *
 * @module
 */

import { ProxyError } from "./errors.ts";
import type { Outcome } from "./outcome.ts";

/** There is no tunnel, and this is why. */
export interface NoTunnel {
  readonly ok: false;
  readonly outcome: Outcome;
}

/** What the proxy answered, or what it means that it did not. `signal` is the program's. Never rejects. */
export async function answerOf<T>(
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T | NoTunnel> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ProxyError) return { ok: false, outcome: error.outcome };
    if (signal.aborted) return { ok: false, outcome: cancelled };
    const detail = `The tunnel failed: ${error instanceof Error ? error.message : error}`;
    return {
      ok: false,
      outcome: { kind: "proxy_internal_error", refusal: "network-unreachable", status: 0, detail },
    };
  }
}

const cancelled: Outcome = {
  kind: "cancelled",
  refusal: "reset",
  status: 0,
  detail: "The program gave up before the proxy answered",
};
