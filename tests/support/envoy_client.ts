/**
 * Envoy as a client of a MASQUE proxy: what comes to its port, over TCP and over UDP, goes on as CONNECT and CONNECT-UDP to one place.
 *
 * @module
 */

import { CERT } from "./certificate.ts";
import { type Server, startServer } from "./servers.ts";

/** Where its flows go, and by which way. */
export interface EnvoyClientOptions {
  /** The proxy, which shows {@linkcode CERT}. */
  readonly proxy: { readonly port: number };
  readonly http: "1.1" | "2" | "3";
  /** `host:port` of flows. */
  readonly tcp: string;
  /** Port on 127.0.0.1 of datagrams; none are carried unless given. */
  readonly udp?: number;
}

const extension = (name: string) => `type.googleapis.com/envoy.extensions.${name}`;

/** Starts it. One port takes both TCP and UDP. */
export function startEnvoyClient(options: EnvoyClientOptions): Promise<Server> {
  return startServer(async (port, folder) => {
    const config = `${folder}/envoy.json`;
    const caFile = `${folder}/ca.pem`;
    await Deno.writeTextFile(caFile, CERT);
    await Deno.writeTextFile(config, JSON.stringify(configOf(options, port, caFile)));
    const args = ["--use-dynamic-base-id", "--disable-hot-restart", "--concurrency", "1"];
    return ["envoy", "-c", config, ...args, "--log-level", "warning"];
  });
}

function configOf(options: EnvoyClientOptions, port: number, caFile: string): unknown {
  const address = (protocol: string) => ({
    socket_address: { protocol, address: "127.0.0.1", port_value: port },
  });
  const tcp = {
    name: "tcp",
    address: address("TCP"),
    filter_chains: [{
      filters: [{
        name: "tcp",
        typed_config: {
          "@type": extension("filters.network.tcp_proxy.v3.TcpProxy"),
          stat_prefix: "tcp",
          cluster: "proxy",
          tunneling_config: { hostname: options.tcp },
        },
      }],
    }],
  };
  const udp = {
    name: "udp",
    address: address("UDP"),
    listener_filters: [{ name: "udp", typed_config: udpProxy(options.udp!) }],
  };
  return {
    static_resources: {
      listeners: options.udp === undefined ? [tcp] : [tcp, udp],
      clusters: [clusterOf(options, caFile)],
    },
  };
}

function udpProxy(target: number): unknown {
  return {
    "@type": extension("filters.udp.udp_proxy.v3.UdpProxyConfig"),
    stat_prefix: "udp",
    matcher: {
      on_no_match: {
        action: {
          name: "route",
          typed_config: {
            "@type": extension("filters.udp.udp_proxy.v3.Route"),
            cluster: "proxy",
          },
        },
      },
    },
    session_filters: [{
      name: "capsules",
      typed_config: {
        "@type": extension(
          "filters.udp.udp_proxy.session.http_capsule.v3.FilterConfig",
        ),
      },
    }],
    tunneling_config: {
      proxy_host: "127.0.0.1",
      target_host: "127.0.0.1",
      default_target_port: target,
      retry_options: { max_connect_attempts: 1 },
      buffer_options: { max_buffered_datagrams: 1_024, max_buffered_bytes: 1 << 20 },
    },
  };
}

function clusterOf({ proxy, http }: EnvoyClientOptions, caFile: string): unknown {
  const tls = {
    "@type": extension("transport_sockets.tls.v3.UpstreamTlsContext"),
    sni: "localhost",
    common_tls_context: {
      alpn_protocols: [{ "1.1": "http/1.1", "2": "h2", "3": "h3" }[http]],
      validation_context: { trusted_ca: { filename: caFile } },
    },
  };
  const quic = {
    "@type": extension("transport_sockets.quic.v3.QuicUpstreamTransport"),
    upstream_tls_context: { ...tls, "@type": undefined },
  };
  const versions = {
    "1.1": { http_protocol_options: {} },
    "2": { http2_protocol_options: { allow_connect: true } },
    "3": { http3_protocol_options: { allow_extended_connect: true } },
  };
  return {
    name: "proxy",
    connect_timeout: "5s",
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": extension("upstreams.http.v3.HttpProtocolOptions"),
        explicit_http_config: versions[http],
      },
    },
    transport_socket: http === "3"
      ? { name: "envoy.transport_sockets.quic", typed_config: quic }
      : { name: "tls", typed_config: tls },
    load_assignment: {
      cluster_name: "proxy",
      endpoints: [{
        lb_endpoints: [{
          endpoint: {
            address: { socket_address: { address: "127.0.0.1", port_value: proxy.port } },
          },
        }],
      }],
    },
  };
}
