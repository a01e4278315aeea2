/**
 * Whether a connection that says nothing to a request still lives. An origin may take its time to answer; a proxy that is asked something else does
 * not. QUIC's own PING is out of reach in this runtime, so the question is a small request: whatever comes, be it a refusal, is life.
 *
 * @module
 */

import type { H3Connection } from "../../http3/connection.ts";
import type { Silence } from "../road/version_client.ts";

/** A request without an answer has the connection asked after so long: longer than the way to most proxies, there and back. */
const ASK_MS = 100;

/** What comes within so long behind the question is life. Together a quarter of a second, which RFC 8305, section 5, recommends between two attempts. */
const WAIT_MS = 130;

/** A turn more for what waits in the kernel when this process itself was held up. */
const LAST_LOOK_MS = 20;

/** Watches one connection. */
export class SilenceCheck {
  readonly #connection: H3Connection;
  readonly #authority: string;
  #isAsking = false;

  /** `authority` is the proxy's own. */
  constructor(connection: H3Connection, authority: string) {
    this.#connection = connection;
    this.#authority = authority;
  }

  /** Calls `onSilence` at most once, when nothing came behind this call and the connection did not answer a question either; gives the way to stop watching. */
  watch(onSilence: (silence: Silence) => void): () => void {
    const { hearing } = this.#connection;
    const before = hearing.count;
    const steps = [ASK_MS, WAIT_MS, LAST_LOOK_MS];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const next = () => {
      const ms = steps.shift();
      if (ms === undefined) return onSilence({ heard: hearing.next() });
      timer = setTimeout(() => {
        if (hearing.count !== before || this.#connection.isOver) return;
        if (ms === ASK_MS) void this.#ask();
        next();
      }, ms);
    };
    next();
    return () => clearTimeout(timer);
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      const stream = await this.#connection.open(() => "content");
      if (stream === undefined) return; // every stream is taken: those of them that live will be heard
      const over = new Promise<void>((resolve) => stream.duplex.once("close", () => resolve()));
      stream.sendHead([
        [":method", "OPTIONS"],
        [":scheme", "https"],
        [":authority", this.#authority],
        [":path", "*"],
      ]);
      stream.duplex.end();
      await stream.head;
      stream.duplex.resume();
      await over;
    } catch {
      // The connection is over, or it refuses to say.
    } finally {
      this.#isAsking = false;
    }
  }
}
