/**
 * PseudoTCP: turns the IP packets of unmodified programs into flows, and carries each flow through a MASQUE proxy.
 *
 * - Where packets come from: {@linkcode openTun}, {@linkcode adoptTun}, {@linkcode memoryDevice}, and {@linkcode tap} to look at them.
 * - The stack between packets and flows: {@linkcode PseudoTcp}.
 * - Where flows go: {@linkcode connectProxy}, {@linkcode DirectClient}, {@linkcode MemoryClient}, or a {@linkcode ProxyClient} of your own.
 * - HTTP of your own on the same road: {@linkcode fetchThrough}.
 * - All of it in one call: {@linkcode run}; one command in a network of its own: {@linkcode startInNamespace}.
 * - The other end: {@linkcode serveProxy}, or {@linkcode fetchHandler} where a platform calls a handler.
 *
 * @module
 */

export type { ByteEnd, ByteListener, NoBytes } from "./src/byte_end.ts";
export type { DnsTransport } from "./src/dns/query.ts";
export type { Fetch } from "./src/dns/doh.ts";
export {
  DEFAULT_DOH_SERVERS,
  DohResolver,
  type DohResolverOptions,
  type ResolverLimits,
} from "./src/dns/resolver.ts";
export { DeviceError, type DeviceErrorCode, FlowError, ProxyError } from "./src/errors.ts";
export type { Clock } from "./src/flow/clock.ts";
export {
  PseudoTcp,
  type PseudoTcpOptions,
  type PseudoTcpStats,
  type Strays,
} from "./src/flow/pseudo_tcp.ts";
export type {
  Flow,
  FlowEnd,
  FlowRequest,
  RequestFor,
  SocketAddress,
  TcpFlow,
  TcpFlowRequest,
  UdpFlow,
  UdpFlowEnd,
  UdpFlowRequest,
} from "./src/flow/types.ts";
export { createLog, type Log, LOG_LEVELS, type LogLevel, SILENT } from "./src/log.ts";
export type { Outcome, OutcomeKind, Refusal } from "./src/outcome.ts";
export type { ExpectedCredentials } from "./src/proxy/credentials.ts";
export {
  type FetchHandler,
  fetchHandler,
  type FetchHandlerOptions,
} from "./src/proxy/fetch/handler.ts";
export type { HandlerRoad, RoadAnswer, RoadTarget } from "./src/proxy/fetch/road.ts";
export type { ProxyLimits } from "./src/proxy/limits.ts";
export { type EmbeddedProxy, type ProxyOptions, serveProxy } from "./src/proxy/proxy.ts";
export {
  createTokenAuthority,
  type TokenAuthority,
  type TokenType,
  type TokenVerifier,
} from "./src/proxy/private_tokens.ts";
export { relay, type RelayEnd } from "./src/relay.ts";
export type { DnsMode, NameOptions } from "./src/names.ts";
export { run, type Running, type RunOptions } from "./src/run.ts";
export type { Limits } from "./src/stack/limits.ts";
export type { CongestionName, KeepAlive, TcpSettings } from "./src/tcp/settings.ts";
export type { Device } from "./src/tun/device.ts";
export { TunDevice } from "./src/tun/descriptor.ts";
export { type AdoptOptions, adoptTun } from "./src/tun/fd.ts";
export { relayUdp, type UdpRelayEnd } from "./src/udp_relay.ts";
export type { UdpBind } from "./src/udp_roads.ts";
export { openTun, type TunOptions } from "./src/tun/linux.ts";
export {
  MemoryDevice,
  memoryDevice,
  type MemoryDeviceOptions,
  type MemoryDevicePair,
} from "./src/tun/memory.ts";
export {
  type CommandEnd,
  type NamespaceOptions,
  type NamespaceProgram,
  startInNamespace,
} from "./src/tun/namespace.ts";
export { type Direction, type PacketListener, tap } from "./src/tun/tap.ts";
export type { Trust } from "./src/tunnel/connection/dial.ts";
export { DirectClient } from "./src/tunnel/local/direct.ts";
export type { FetchLike } from "./src/tunnel/fetch/exchange.ts";
export { fetchThrough, type TunnelFetch } from "./src/tunnel/origin/fetch_through.ts";
export {
  type FarSide,
  type MemoryAnswer,
  MemoryClient,
  type MemoryScript,
  type MemoryUdpAnswer,
  type MemoryUdpScript,
} from "./src/tunnel/local/memory.ts";
export type { UdpFarSide } from "./src/tunnel/local/memory_udp.ts";
export { connectProxy, type ConnectProxyOptions } from "./src/tunnel/proxy_client.ts";
export type { TokenChallenge } from "./src/masque/private_token.ts";
export type { Credentials } from "./src/tunnel/credentials/authorizer.ts";
export type { PrivateTokenSource } from "./src/tunnel/credentials/private_tokens.ts";
export type { Secret, SecretSource } from "./src/tunnel/credentials/secret.ts";
export type { ConnectedProxy } from "./src/tunnel/road/road.ts";
export type { TunnelTimeouts } from "./src/tunnel/settings.ts";
export type {
  BoundDatagram,
  BoundDatagramTaker,
  BoundUdpResponse,
  BoundUdpTunnel,
  ConnectOptions,
  DatagramTaker,
  DatagramTunnel,
  OpenTunnel,
  OpenUdpTunnel,
  ProxyClient,
  RefusedTunnel,
  Target,
  TunnelEnd,
  TunnelResponse,
  UdpDrops,
  UdpTunnelResponse,
} from "./src/tunnel/tunnel.ts";
export { describePacket } from "./src/wire/describe.ts";

if (import.meta.main) {
  const { main } = await import("./src/cli/main.ts");
  Deno.exit(await main(Deno.args));
}
