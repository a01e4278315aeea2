/**
 * Envoy as a MASQUE proxy: CONNECT and CONNECT-UDP ended by itself, to wherever the request names.
 *
 * @module
 */

import {
  type Certificate,
  type Plan,
  type Server,
  startServer,
  startTlsServer,
  type TlsServer,
} from "./servers.ts";

/** Envoy: CONNECT over HTTP/2 and HTTP/1.1, by TLS or in the clear, ended by itself; with TLS over HTTP/3, too, on UDP and the same port. Over TCP it wants a certificate of `clientCaFile`, where given. */
export function startEnvoy(
  options: { tls: true; readonly clientCaFile?: string },
): Promise<TlsServer>;
export function startEnvoy(options: { tls: false }): Promise<Server>;
export function startEnvoy(
  { tls, clientCaFile }: { tls: boolean; clientCaFile?: string },
): Promise<Server> {
  const plan = (files?: Certificate): Plan => async (port, folder) => {
    const config = `${folder}/envoy.json`;
    await Deno.writeTextFile(config, JSON.stringify(envoyConfig(port, files, clientCaFile)));
    const args = ["--use-dynamic-base-id", "--disable-hot-restart", "--concurrency", "1"];
    return ["envoy", "-c", config, ...args, "--log-level", "warning"];
  };
  return tls ? startTlsServer(plan) : startServer(plan());
}

function envoyConfig(port: number, files?: Certificate, clientCaFile?: string): unknown {
  const type = (name: string) => `type.googleapis.com/envoy.extensions.${name}`;
  const cache = { name: "names", dns_lookup_family: "V4_PREFERRED" };
  const upgrades = [{ upgrade_type: "CONNECT" }, { upgrade_type: "CONNECT-UDP" }];
  const manager = (version: object) => ({
    "@type": type(
      "filters.network.http_connection_manager.v3.HttpConnectionManager",
    ),
    stat_prefix: "proxy",
    ...version,
    upgrade_configs: upgrades,
    stream_idle_timeout: "0s",
    route_config: {
      virtual_hosts: [{
        name: "all",
        domains: ["*"],
        routes: [{
          match: { connect_matcher: {} },
          route: {
            cluster: "anywhere",
            timeout: "0s",
            upgrade_configs: upgrades.map((upgrade) => ({ ...upgrade, connect_config: {} })),
          },
        }],
      }],
    },
    http_filters: [
      {
        name: "names",
        typed_config: {
          "@type": type("filters.http.dynamic_forward_proxy.v3.FilterConfig"),
          dns_cache_config: cache,
        },
      },
      { name: "router", typed_config: { "@type": type("filters.http.router.v3.Router") } },
    ],
  });
  const overTcp = { codec_type: "AUTO", http2_protocol_options: { allow_connect: true } };
  const overUdp = {
    codec_type: "HTTP3",
    http3_protocol_options: { allow_extended_connect: true },
  };
  const pem = files && {
    certificate_chain: { filename: files.caFile },
    private_key: { filename: files.keyFile },
  };
  const transport = pem && {
    name: "tls",
    typed_config: {
      "@type": type("transport_sockets.tls.v3.DownstreamTlsContext"),
      common_tls_context: {
        tls_certificates: [pem],
        alpn_protocols: ["h2", "http/1.1"],
        validation_context: clientCaFile && { trusted_ca: { filename: clientCaFile } },
      },
      require_client_certificate: clientCaFile !== undefined,
    },
  };
  return {
    static_resources: {
      listeners: [{
        name: "proxy",
        address: { socket_address: { address: "127.0.0.1", port_value: port } },
        filter_chains: [{
          filters: [{ name: "http", typed_config: manager(overTcp) }],
          ...(transport ? { transport_socket: transport } : {}),
        }],
      }, ...(pem ? [quicListener(port, pem, manager(overUdp))] : [])],
      clusters: [{
        name: "anywhere",
        lb_policy: "CLUSTER_PROVIDED",
        cluster_type: {
          name: "names",
          typed_config: {
            "@type": type("clusters.dynamic_forward_proxy.v3.ClusterConfig"),
            dns_cache_config: cache,
          },
        },
      }],
    },
  };
}

function quicListener(port: number, pem: object, manager: object): unknown {
  const type = "type.googleapis.com/envoy.extensions.transport_sockets.quic.v3";
  return {
    name: "quic",
    address: { socket_address: { protocol: "UDP", address: "127.0.0.1", port_value: port } },
    udp_listener_config: { quic_options: {}, downstream_socket_config: { prefer_gro: true } },
    filter_chains: [{
      filters: [{ name: "http", typed_config: manager }],
      transport_socket: {
        name: "quic",
        typed_config: {
          "@type": `${type}.QuicDownstreamTransport`,
          downstream_tls_context: { common_tls_context: { tls_certificates: [pem] } },
        },
      },
    }],
  };
}
