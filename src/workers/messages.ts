/**
 * What the main thread and its workers say to each other. Everything here survives structured cloning.
 *
 * A *worker* has one queue of the device, one stack and its own connections to the proxy. Nothing of a flow's data passes between threads. What
 * passes: the start, questions for names (once a flow), words for the operator, the end; and, from the first worker straight to the others,
 * packets that the kernel could not judge.
 *
 * @module
 */

import type { DnsTransport } from "../dns/query.ts";
import type { DnsServer } from "../dns/forwarder.ts";
import type { LogLevel } from "../log.ts";
import type { RunOptions } from "../run.ts";
import type { TunQueue } from "../tun/linux.ts";

/** The first message to a worker. */
export interface StartMessage {
  readonly type: "start";
  /** 0 to `count - 1`. */
  readonly index: number;
  readonly count: number;
  readonly queue: TunQueue;
  /** For whoever finds the way to the proxy. */
  readonly place: unknown;
  readonly run: Omit<RunOptions, "log">;
  readonly names: NameFacts;
  readonly log: LogLevel;
  /** The ways to the other workers, for the first one; each other one has the one to it. */
  readonly strays: readonly MessagePort[];
}

/** What a worker has to know of the names that the main thread answers. */
export interface NameFacts {
  readonly isResolver: boolean;
  readonly takesDatagrams: boolean;
  /** Whether addresses are made up. */
  readonly makesUp: boolean;
}

/** To a worker. */
export type ToWorker =
  | StartMessage
  | { readonly type: "answer"; readonly id: number; readonly answer?: Uint8Array }
  | { readonly type: "held"; readonly id: number; readonly name?: string }
  /** So many lines were said. */
  | { readonly type: "said"; readonly lines: number }
  | { readonly type: "stop" };

/** What a worker asks and tells about names. */
export type NameMessage =
  | {
    readonly type: "query";
    readonly id: number;
    readonly query: Uint8Array;
    readonly server: DnsServer;
    readonly transport: DnsTransport;
  }
  | { readonly type: "hold"; readonly id: number; readonly address: Uint8Array }
  | { readonly type: "release"; readonly id: number }
  | { readonly type: "ipv6"; readonly isRoutable: boolean };

/** Words for the operator. */
export interface LogMessage {
  readonly type: "log";
  readonly lines: readonly (readonly [level: LogLevel, line: string])[];
}

/** From a worker. */
export type FromWorker =
  | NameMessage
  | LogMessage
  | { readonly type: "secret"; readonly secret: string }
  | { readonly type: "ready" }
  /** It ends: in order, or for a reason. Its queue is closed. */
  | { readonly type: "over"; readonly problem?: string };

/** Sends a message to the other side. */
export type Post<M> = (message: M) => void;
