/**
 * PseudoTCP: turns the IP packets of unmodified programs into flows, and carries each flow through a MASQUE proxy.
 *
 * @module
 */

export { DeviceError, type DeviceErrorCode, FlowError, ProxyError } from "./src/errors.ts";
export type { Clock } from "./src/flow/clock.ts";
export { PseudoTcp, type PseudoTcpOptions, type PseudoTcpStats } from "./src/flow/pseudo_tcp.ts";
export type { Flow, FlowEnd, FlowRequest, SocketAddress } from "./src/flow/types.ts";
export { createLog, type Log, LOG_LEVELS, type LogLevel, SILENT } from "./src/log.ts";
export type { Outcome, OutcomeKind, Refusal } from "./src/outcome.ts";
export { relay, type RelayEnd } from "./src/relay.ts";
export { run, type Running, type RunOptions } from "./src/run.ts";
export type { Limits } from "./src/stack/limits.ts";
export type { Device } from "./src/tun/device.ts";
export type {
  ConnectOptions,
  OpenTunnel,
  ProxyClient,
  RefusedTunnel,
  Target,
  TunnelEnd,
  TunnelResponse,
} from "./src/tunnel/tunnel.ts";
