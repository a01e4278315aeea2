/**
 * What this program sets out to reach, as data: ratios within one run, and three figures for themselves.
 *
 * @module
 */

/** One thing to be reached. */
export interface Goal {
  /** What is compared with what, in words. */
  readonly words: string;
  readonly work: string;
  readonly figure: string;
  /** The road of ours that is asked. */
  readonly road: string;
  /** Roads of which the best is 1; without any the figure stands for itself. */
  readonly than?: readonly string[];
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly unit?: string;
}

/** Works about throughput: the columns of one table. */
export const SPEED_WORKS: readonly string[] = ["up x1", "up x10", "down x1", "down x10"];

/** Other people's programs. */
const PEERS: readonly string[] = ["hev", "sing-box", "tun2proxy", "tun2socks"];

/** Beside peers, ours on the very hop that they have. */
const OURS_BESIDE_PEERS = "h1-same-hop";

/** All of them. */
export const GOALS: readonly Goal[] = [
  ...speeds("HTTP/1.1 in the clear, of direct", "h1", "direct", 0.3, 0.4),
  ...speeds("the same, of hev-socks5-tunnel", OURS_BESIDE_PEERS, "hev", 1.5, 2),
  ...speeds("the same, of sing-box", OURS_BESIDE_PEERS, "sing-box", 1.5, 2),
  ...speeds("the same, of tun2socks", OURS_BESIDE_PEERS, "tun2socks", 2, 2),
  ...speeds("HTTP/2 over TLS, of the bare tunnel", "h2-tls", "bare-h2-tls", 0.8, 0.8),
  ...speeds("HTTP/3, of the bare tunnel", "h3", "bare-h3", 0.8, 0.8),
  ...costs("processor time a byte, of sing-box", "sing-box"),
  ...costs("processor time a byte, of tun2socks", "tun2socks"),
  {
    words: "without offload, upload of one connection",
    work: "up x1",
    figure: "speed",
    road: "h1-no-offload",
    atLeast: 3,
    unit: "Gbit/s",
  },
  {
    ...beside("request and answer, p50, of the best peer", "request/response", "p50"),
    atMost: 1.2,
  },
  {
    ...beside("connect, request and close, of the best peer", "connect+request+close", "rate"),
    atLeast: 1,
  },
  { ...datagrams("UDP to the far side, of the best peer", "UDP up", "rate"), atLeast: 1 },
  { ...datagrams("UDP from there, of the best peer", "UDP down", "rate"), atLeast: 1 },
  { ...datagrams("QUIC inside, download, of the best peer", "QUIC down", "speed"), atLeast: 1 },
  {
    words: "an idle connection, of 10,000, above a bare socket",
    work: "10,000 idle flows",
    figure: "above",
    road: "h1",
    atMost: 4,
    unit: "KiB",
  },
  {
    words: "the least share of a connection, of 1,000",
    work: "1,000 active flows",
    figure: "least share",
    road: "h1",
    atLeast: 0.5,
    unit: "of the mean",
  },
];

function speeds(words: string, road: string, other: string, up: number, down: number): Goal[] {
  return SPEED_WORKS.map((work) => ({
    words,
    work,
    figure: "speed",
    road,
    than: [other],
    atLeast: work.startsWith("up") ? up : down,
  }));
}

function costs(words: string, other: string): Goal[] {
  return SPEED_WORKS.map((work) => ({
    words,
    work,
    figure: "engine",
    road: OURS_BESIDE_PEERS,
    than: [other],
    atMost: 1,
  }));
}

function beside(words: string, work: string, figure: string): Goal {
  return { words, work, figure, road: OURS_BESIDE_PEERS, than: PEERS };
}

/** An HTTP proxy in the clear knows no UDP, so ours has its own hop here. */
function datagrams(words: string, work: string, figure: string): Goal {
  return { words, work, figure, road: "h1", than: PEERS };
}
