/**
 * What the program and its helper inside the namespace say to each other: one JSON object a line, over a Unix socket, so that
 * standard input, output and error stay the command's own.
 *
 * ```
 * program                             helper
 *    | --- setup --------------------> |  opens the device, lays its resolv.conf
 *    | <-- ready (descriptor number) - |  or failed, and the end
 *    |     takes the descriptor        |
 *    | --- go -----------------------> |  becomes the command: the socket closes by itself
 *    | <-- no-command ---------------- |  only when that fails
 * ```
 *
 * @module
 */

import type { DeviceErrorCode } from "../errors.ts";

/** Everything that the helper must know. */
export interface Setup {
  readonly kind: "setup";
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly tun: {
    readonly name: string;
    readonly mtu?: number;
    readonly addresses: readonly string[];
    readonly routes: readonly string[];
    readonly offload: boolean;
    readonly path?: string;
  };
  /** A file to lay over `/etc/resolv.conf`. */
  readonly resolvConf?: string;
  /** The soft limit of open files that the command shall have: Deno raises its own. */
  readonly openFiles?: number;
  /** Whether the helper holds capabilities that the command shall not have. */
  readonly dropCapabilities: boolean;
}

/** Lines from the program. */
export type Order = Setup | { readonly kind: "go" };

/** Lines from the helper. */
export type Report =
  | { readonly kind: "ready"; readonly fd: number; readonly mtu: number }
  | { readonly kind: "failed"; readonly code: DeviceErrorCode; readonly message: string }
  | { readonly kind: "no-command"; readonly message: string };

/** A connection that speaks in lines. */
export interface Talk<In, Out> {
  say(message: Out): Promise<void>;
  /** The next line; undefined at the end. */
  hear(): Promise<In | undefined>;
}

/** Speaks over `connection`, which is trusted: both ends are this program. */
export function talkOver<In, Out>(connection: Deno.Conn): Talk<In, Out> {
  const lines = linesOf(connection.readable);
  const writer = connection.writable.getWriter();
  return {
    say: (message) => writer.write(new TextEncoder().encode(`${JSON.stringify(message)}\n`)),
    async hear() {
      try {
        const { value } = await lines.next();
        return value === undefined ? undefined : JSON.parse(value);
      } catch (error) {
        // The other end is gone with an order unread: an end like any other.
        if (error instanceof Deno.errors.ConnectionReset) return undefined;
        throw error;
      }
    },
  };
}

async function* linesOf(
  readable: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string, undefined> {
  let rest = "";
  for await (const text of readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  return undefined;
}
