/**
 * The options about the proxy, or a chain of them, for `run` and `up`. What stands behind a `--proxy` is about that one, up to the next; what
 * stands before the first is about the first.
 *
 * @module
 */

import type { Credentials } from "../masque/auth.ts";
import { all, type Arguments, exclude, one } from "./arguments.ts";
import { readCredentials, readPem, type Surroundings } from "./secrets.ts";
import { UsageError } from "./usage_error.ts";
import { readChoice, readHeader, readPin, readPing, readProxy, readTemplate } from "./values.ts";

/** The versions of HTTP towards the proxy. */
export type HttpVersion = "auto" | "3" | "2" | "1.1" | "fetch";

const HTTP_VERSIONS: readonly HttpVersion[] = ["auto", "3", "2", "1.1", "fetch"];

/** Which proxy, and how it is spoken to. */
export interface TunnelOptions {
  readonly proxy: URL | "embedded";
  readonly http: HttpVersion;
  readonly credentials: Credentials;
  /** The file that the credentials came from, to be looked at again. */
  readonly credentialsFile?: string;
  /** A shell command that prints a Bearer token. */
  readonly tokenCommand?: string;
  /** Where Privacy Pass tokens come from. */
  readonly privateTokens?: { readonly file: string } | { readonly command: string };
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** PEM text of the authorities to trust. */
  readonly ca?: string;
  /** 64 hexadecimal digits. */
  readonly pin?: string;
  readonly insecure: boolean;
  /** PEM texts of our own certificate and its key. */
  readonly identity?: { readonly cert: string; readonly key: string };
  /** Seconds of silence until a connection is asked whether it lives, and until it is given up. */
  readonly ping?: { readonly idle: number; readonly wait: number };
  /** A template that RFC 9298, section 2, allows; TCP then goes by connect-tcp. */
  readonly tcpTemplate?: string;
  /** The same for UDP. */
  readonly udpTemplate?: string;
  readonly udpDraft03: boolean;
  /** The proxy that this one is reached through. */
  readonly via?: TunnelOptions;
}

/** Options that say who we are; two of them contradict each other. */
const CREDENTIALS = [
  "token",
  "basic",
  "token-command",
  "privacy-token",
  "pass-tokens",
  "pass-command",
] as const;

/** Options that make no sense without TLS. */
const TLS = ["ca", "pin", "insecure", "client-cert", "client-key"] as const;

/** What `fetch` cannot be told. */
const NOT_BY_FETCH = ["pin", "insecure", "udp-draft03"];

/**
 * Reads the chain: the options of the last proxy, each with the one before it as `via`.
 *
 * @throws {UsageError} If there is no proxy, or an option cannot be followed
 */
export function readTunnel(found: Arguments, around: Surroundings): TunnelOptions {
  const isChain = found.hops.length > 1;
  let tunnel: TunnelOptions | undefined;
  for (const hop of found.hops) tunnel = { ...readHop(hop, around, isChain), via: tunnel };
  const inner = found.hops.slice(1).find((hop) => hop.options.get("http")?.[0] === "fetch");
  if (inner !== undefined) {
    throw new UsageError("Only the first proxy of a chain can be spoken to by --http fetch");
  }
  return tunnel!;
}

/** Whether tokens of a file are spent anywhere in the chain. */
export function spendsFile({ privateTokens, via }: TunnelOptions): boolean {
  return (privateTokens !== undefined && "file" in privateTokens) ||
    (via !== undefined && spendsFile(via));
}

/** The proxy that this machine itself connects to. */
export function firstHop(tunnel: TunnelOptions): TunnelOptions {
  return tunnel.via === undefined ? tunnel : firstHop(tunnel.via);
}

function readHop(hop: Arguments, around: Surroundings, isChain: boolean): TunnelOptions {
  const proxy = one(hop, "proxy", readProxy);
  if (proxy === undefined) {
    throw new UsageError("Say where the proxy is: --proxy URL, or --proxy embedded to try it out");
  }
  for (const name of CREDENTIALS) exclude(hop, name, CREDENTIALS.filter((other) => other !== name));
  exclude(hop, "insecure", ["ca", "pin"]);
  exclude(hop, "pin", ["ca"]);
  exclude(hop, "udp-draft03", ["udp-template"]);
  const headers = all(hop, "header", readHeader);
  const hasOwn = headers.some(([name]) => name.toLowerCase() === "proxy-authorization");
  checkPlace(hop, proxy, isChain, hasOwn);
  const isAsked = proxy !== "embedded" && !hasOwn &&
    !CREDENTIALS.slice(2).some((name) => name !== "privacy-token" && hop.options.has(name));
  return {
    proxy,
    http: readHttp(hop),
    ...(isAsked ? readCredentials(givenBy(hop), around, isChain) : { credentials: {} }),
    tokenCommand: one(hop, "token-command", String),
    privateTokens: readPrivateTokens(hop),
    headers,
    ca: one(hop, "ca", (path) => readPem("ca", path, "CERTIFICATE", around)),
    pin: one(hop, "pin", readPin),
    insecure: hop.options.has("insecure"),
    identity: readIdentity(hop, around),
    ping: one(hop, "ping", readPing),
    tcpTemplate: one(hop, "tcp-template", (text) => readTemplate("tcp", text)),
    udpTemplate: one(hop, "udp-template", (text) => readTemplate("udp", text)),
    udpDraft03: hop.options.has("udp-draft03"),
  };
}

function readHttp(hop: Arguments): HttpVersion {
  const http = one(hop, "http", (text) => readChoice("http", text, HTTP_VERSIONS)) ?? "auto";
  const other = NOT_BY_FETCH.find((name) => http === "fetch" && hop.options.has(name));
  if (other === undefined) return http;
  throw new UsageError(`Option --${other} does not go with --http fetch: leave one of them out`);
}

function checkPlace(
  { options }: Arguments,
  proxy: URL | "embedded",
  isChain: boolean,
  hasOwn: boolean,
): void {
  const credentials = CREDENTIALS.find((name) => options.has(name));
  const tls = TLS.find((name) => options.has(name));
  if (proxy === "embedded") {
    if (isChain) {
      throw new UsageError("The embedded proxy stands alone: leave the other --proxy out");
    }
    const other = credentials ?? tls;
    if (other !== undefined) {
      throw new UsageError(
        `The embedded proxy makes its own secrets and certificate: leave out --${other}`,
      );
    }
  } else if (proxy.protocol === "http:" && tls !== undefined) {
    throw new UsageError(`Option --${tls} is about certificates: it needs --proxy https://HOST`);
  }
  if (hasOwn && credentials !== undefined) {
    throw new UsageError(
      `Proxy-Authorization comes from --header or from --${credentials}: give one`,
    );
  }
}

function givenBy(hop: Arguments): Parameters<typeof readCredentials>[0] {
  return {
    token: one(hop, "token", String),
    basic: one(hop, "basic", String),
    privacyToken: one(hop, "privacy-token", String),
  };
}

function readPrivateTokens(hop: Arguments): TunnelOptions["privateTokens"] {
  return one(hop, "pass-tokens", (file) => ({ file: file.replace(/^@/, "") })) ??
    one(hop, "pass-command", (command) => ({ command }));
}

function readIdentity(hop: Arguments, around: Surroundings): TunnelOptions["identity"] {
  const cert = one(hop, "client-cert", (p) => readPem("client-cert", p, "CERTIFICATE", around));
  const key = one(hop, "client-key", (p) => readPem("client-key", p, "PRIVATE KEY", around));
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError("Options --client-cert and --client-key need each other: give both");
  }
  return cert === undefined || key === undefined ? undefined : { cert, key };
}
