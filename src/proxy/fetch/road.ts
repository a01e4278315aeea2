/**
 * A way out of the proxy that is no socket of its own: whatever makes tunnels, behind the faces that the proxy knows.
 *
 * @module
 */

import { ProxyError } from "../../errors.ts";
import type { Authority } from "../../masque/authority.ts";
import type { Outcome, OutcomeKind } from "../../outcome.ts";
import type { UdpSocket, UdpSocketEvents } from "../../sockets/udp_socket.ts";
import type { Dialled, DialOptions } from "../dial.ts";
import type { DialledUdp } from "../dial_udp.ts";
import { closeQuietly, type Origin } from "../relay/pump.ts";
import type { Refusal } from "../refusal.ts";

/** Two streams to a target, or why there are none. */
export type RoadAnswer =
  | {
    readonly ok: true;
    /** From the target; an error is a reset. For UDP one chunk a datagram. */
    readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
    /** To the target: close is its FIN, abort its reset. For UDP one chunk a datagram. */
    readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
  }
  | { readonly ok: false; readonly outcome: Outcome };

/** Where a tunnel shall lead. */
export interface RoadTarget {
  /** A DNS name, an IPv4 or an IPv6 address in text, without brackets. */
  readonly hostname: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** Where the tunnels of a handler lead. Every `ProxyClient` is one, and so is a platform's own way to open sockets. */
export interface HandlerRoad {
  /** Opens a TCP connection. */
  connect(target: RoadTarget, options: { readonly signal: AbortSignal }): Promise<RoadAnswer>;
  /** Opens a way for datagrams; absent where there is none. */
  connectUdp?(target: RoadTarget, options: { readonly signal: AbortSignal }): Promise<RoadAnswer>;
}

/** Dials by a road. */
export function dialBy(road: HandlerRoad) {
  return async (target: Authority, { signal }: Pick<DialOptions, "signal">): Promise<Dialled> => {
    const answer = await asked(() => road.connect(target, { signal }));
    return answer.ok ? { ok: true, origin: streamOrigin(answer) } : answer;
  };
}

/** The same for datagrams. */
export function dialUdpBy(road: HandlerRoad) {
  return async (
    target: Authority,
    _options: unknown,
    events: UdpSocketEvents,
  ): Promise<DialledUdp> => {
    const gone = new AbortController();
    const { signal } = gone;
    const answer = await asked(async () => {
      return await road.connectUdp?.(target, { signal }) ?? { ok: false, outcome: WITHOUT_UDP };
    });
    return answer.ok ? { ok: true, socket: streamSocket(answer, events) } : answer;
  };
}

const WITHOUT_UDP: Outcome = {
  kind: "udp_unsupported",
  refusal: "port-unreachable",
  status: 0,
  detail: "The way out of this proxy does not carry UDP",
};

type Asked =
  | Extract<RoadAnswer, { ok: true }>
  | { readonly ok: false; readonly refusal: Refusal };

async function asked(ask: () => Promise<RoadAnswer>): Promise<Asked> {
  try {
    const answer = await ask();
    return answer.ok ? answer : { ok: false, refusal: refusalOf(answer.outcome) };
  } catch (error) {
    if (error instanceof ProxyError) return { ok: false, refusal: refusalOf(error.outcome) };
    throw error;
  }
}

/** What RFC 9209 has no word for. */
const WORDS: Readonly<Partial<Record<OutcomeKind, readonly [status: number, error: string]>>> = {
  dns_timeout: [504, "dns_timeout"],
  connection_timeout: [504, "connection_timeout"],
  destination_ip_prohibited: [403, "destination_ip_prohibited"],
  http_request_denied: [403, "http_request_denied"],
  destination_unavailable: [503, "destination_unavailable"],
  connection_limit_reached: [503, "connection_limit_reached"],
  udp_unsupported: [501, "proxy_configuration_error"],
  proxy_authentication_required: [502, "proxy_configuration_error"], // that of the next proxy is not the client's to bring
  proxy_unreachable: [502, "destination_unavailable"],
  cancelled: [502, "connection_terminated"],
};

function refusalOf({ kind }: Outcome): Refusal {
  const [status, error] = WORDS[kind] ?? [502, kind];
  return { status, error, detail: "The way out of this proxy says no" }; // its own words may name its proxy
}

/** Streams as a connection. Closing it before both directions have ended is a reset. */
function streamOrigin({ readable, writable }: Extract<RoadAnswer, { ok: true }>): Origin {
  const reader = readable.getReader();
  const writer = writable.getWriter();
  writer.closed.catch(() => {}); // the next write tells
  let rest: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  return {
    async read(into) {
      while (rest.length === 0) {
        const { done, value } = await reader.read();
        if (done) return null;
        rest = value;
      }
      const count = Math.min(into.length, rest.length);
      into.set(rest.subarray(0, count));
      rest = rest.subarray(count);
      return count;
    },
    async write(bytes) {
      await writer.write(bytes.slice()); // the stream owns what it is given, and our buffer is used again
      return bytes.length;
    },
    closeWrite: () => writer.close(),
    close() {
      reader.cancel().catch(() => {});
      writer.abort().catch(() => {});
    },
  };
}

/** Streams as a socket that is connected to one peer. */
function streamSocket(
  { readable, writable }: Extract<RoadAnswer, { ok: true }>,
  events: UdpSocketEvents,
): UdpSocket {
  const reader = readable.getReader();
  const writer = writable.getWriter();
  writer.closed.catch(() => {}); // the reader tells
  const reading = (async () => {
    try {
      for (let read; !(read = await reader.read()).done;) {
        events.datagram(read.value);
        events.batchEnd();
      }
    } catch {
      // It broke off, which is told as an end is.
    }
    events.failed("ECONNREFUSED");
  })();
  return {
    local: { address: new Uint8Array(4), port: 0 },
    drops: 0,
    send: (payload) => void writer.write(new Uint8Array(payload)).catch(() => {}),
    async close() {
      closeQuietly({ close: () => void writer.close().catch(() => {}) });
      reader.cancel().catch(() => {});
      await reading;
    },
  };
}
