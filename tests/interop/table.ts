/**
 * With whom it was tried, as data: a cell names the test that shows it, or says why there is none.
 * `deno task interop` runs the tests and writes the table into the README.
 *
 * @module
 */

/** What a road is made of. */
export const ROADS = ["TCP/1.1", "UDP/1.1", "TCP/2", "UDP/2", "TCP/3", "UDP/3"] as const;

/** `TCP/2`: CONNECT over HTTP/2; `UDP/1.1`: CONNECT-UDP over HTTP/1.1. */
export type RoadName = typeof ROADS[number];

/** A test's name; or a known fault in words, and the test that shows it. What is left out is not offered by the peer. */
export type Cell = string | { readonly fault: string; readonly test: string };

/** One program that nobody here wrote. */
export interface Peer {
  readonly name: string;
  readonly cells: { readonly [road in RoadName]?: Cell };
  /** What a "yes" does not say, as the rest of a sentence behind the name. */
  readonly notes?: readonly string[];
}

/** Peers in one role. */
export interface Side {
  readonly title: string;
  readonly peers: readonly Peer[];
}

/** The table. */
export const SIDES: readonly Side[] = [
  {
    title: "Our client, their proxy",
    peers: [
      {
        name: "Envoy 1.40",
        cells: {
          "TCP/1.1": "flows pass Envoy with TLS, over HTTP/1.1",
          "UDP/1.1": {
            fault: "it answers the upgrade with 200 in place of 101 (RFC 9298, section 3.3)",
            test: "Envoy carries no UDP over HTTP/1.1, and that is told",
          },
          "TCP/2": "flows pass Envoy with TLS, over HTTP/2",
          "UDP/2": "datagrams pass Envoy with TLS, over HTTP/2",
          "TCP/3": "flows pass Envoy with TLS, over HTTP/3",
          "UDP/3": "datagrams pass Envoy, over HTTP/3",
        },
        notes: [
          "drops a datagram on its way back over HTTP/3 that does not fit into one of QUIC, where RFC 9297, section 3.5, has a capsule",
        ],
      },
      {
        name: "aioquic",
        cells: {
          "TCP/3": "flows and datagrams pass a proxy of aioquic, over HTTP/3",
          "UDP/3": "flows and datagrams pass a proxy of aioquic, over HTTP/3",
        },
      },
      {
        name: "masque-go",
        cells: { "UDP/3": "datagrams pass masque-go's proxy, over HTTP/3" },
      },
      {
        name: "goproxy",
        cells: {
          "TCP/1.1": "flows pass goproxy, over HTTP/1.1",
          "TCP/2": "flows pass goproxy, over HTTP/2",
        },
        notes: ["takes the end of either direction for that of both, over HTTP/2"],
      },
      { name: "squid", cells: { "TCP/1.1": "flows pass squid, over HTTP/1.1" } },
      { name: "tinyproxy", cells: { "TCP/1.1": "flows pass tinyproxy, over HTTP/1.1" } },
      { name: "nghttpx", cells: { "TCP/2": "flows pass nghttpx in front of squid, over HTTP/2" } },
    ],
  },
  {
    title: "Their client, our proxy",
    peers: [
      {
        name: "Envoy 1.40",
        cells: {
          "TCP/1.1": "Envoy passes flows and datagrams on to the proxy, over HTTP/1.1",
          "UDP/1.1": "Envoy passes flows and datagrams on to the proxy, over HTTP/1.1",
          "TCP/2": "Envoy passes flows and datagrams on to the proxy, over HTTP/2",
          "UDP/2": "Envoy passes flows and datagrams on to the proxy, over HTTP/2",
          "TCP/3": "Envoy passes flows and datagrams on to the proxy, over HTTP/3",
          "UDP/3": "Envoy passes flows and datagrams on to the proxy, over HTTP/3",
        },
        notes: ["takes a program's FIN for the end of both directions, over HTTP/1.1"],
      },
      {
        name: "aioquic",
        cells: {
          "TCP/3": "a client of aioquic gets flows and datagrams through the proxy, over HTTP/3",
          "UDP/3": "a client of aioquic gets flows and datagrams through the proxy, over HTTP/3",
        },
      },
      {
        name: "masque-go",
        cells: {
          "UDP/3": "masque-go's client fetches over HTTP/3 inside HTTP/3 through the proxy",
        },
      },
      {
        name: "curl",
        cells: {
          "TCP/1.1": "curl passes in the clear, by address, by name and over IPv6",
          "TCP/2": "libcurl passes over HTTP/2, and reads what is refused",
        },
        notes: [
          "speaks HTTP/3 to a proxy only in builds that say so, which libcurl 8.23 of PyPI does not",
        ],
      },
      {
        name: "nghttpx",
        cells: {
          "TCP/2": "nghttpx, which speaks HTTP/2 by nghttp2, passes many flows on to the proxy",
        },
      },
    ],
  },
];
