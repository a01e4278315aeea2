/**
 * The proxy's half of the `fetch` binding as a plain handler of requests, for any platform that streams both bodies at once.
 *
 * @module
 */

import { type Log, SILENT } from "../../log.ts";
import { POST_ANSWER_FIELDS } from "../../masque/tcp_request.ts";
import { bodyPipe } from "./body_pipe.ts";
import { createCredentialsCheck, type ExpectedCredentials } from "../credentials.ts";
import { parseHosts } from "../dial.ts";
import { clientKey, Gate } from "../gate.ts";
import { createGuard } from "../guard.ts";
import { dialBy, dialUdpBy, type HandlerRoad } from "./road.ts";
import { DEFAULT_LIMITS, type ProxyLimits } from "../limits.ts";
import { asOrigin, INTERNAL_ERROR, notATunnel, type Refusal, refusalMessage } from "../refusal.ts";
import { tcpAskedByPath } from "../asked/tcp_asked.ts";
import { serveTcp } from "../relay/tcp_relay.ts";
import { askedByPath } from "../asked/udp_asked.ts";
import { serveUdpPipe } from "../relay/udp_pipe.ts";

/** What {@linkcode fetchHandler} may be told. */
export interface FetchHandlerOptions extends ExpectedCredentials {
  /**
   * Where the tunnels lead: a `ProxyClient`, or a platform's own way to open sockets. Unless given, sockets of Deno, to public addresses and to those
   * in `allow`; a road of one's own goes wherever it goes, and `allow` and `hosts` do not bind it.
   */
  readonly road?: HandlerRoad;
  /** Blocks of addresses that are open although they are not public. */
  readonly allow?: readonly string[];
  /** Names and addresses that lead to another address. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Bounds other than the default ones. */
  readonly limits?: Partial<ProxyLimits>;
  /** Where the handler says what it does; nowhere unless given. */
  readonly log?: Log;
}

/** Answers requests. */
export interface FetchHandler {
  /** Answers one. `info` is what `Deno.serve` tells beside it: the client's address, to count by. */
  (
    request: Request,
    info?: { readonly remoteAddr?: { readonly hostname?: string } | object },
  ): Promise<Response>;
  /** Flows carried at the moment. */
  readonly flows: number;
}

/**
 * Makes a handler that serves tunnels for clients with `http: "fetch"`: a POST to `/.well-known/masque/tcp/HOST/PORT/` or
 * `/.well-known/masque/udp/HOST/PORT/`. Everything else is a 404. Behind a path of one's own, rewrite the URL first.
 *
 * The platform must hand over the request's body while the response's is sent. `Deno.serve` does; over HTTP/1.1 it reads ahead without a bound
 * what a slow target does not take (Deno 2.9.6), so let strangers in by TLS, which is HTTP/2.
 *
 * @throws {TypeError} If an entry of `allow` is not a block of addresses, or one of `hosts` is no address
 *
 * @example A proxy of a few lines
 * ```ts
 * import { connectProxy, fetchHandler, MemoryClient } from "../../../mod.ts";
 *
 * await using road = new MemoryClient(); // an echo for every target
 * const handler = fetchHandler({ road, token: "secret" });
 * const fetch = (url: string, init: RequestInit) => handler(new Request(url, init));
 * await using proxy = await connectProxy("https://any.example", { http: "fetch", fetch, token: "secret" });
 * const tunnel = await proxy.connect({ hostname: "echo.example", port: 7 });
 * if (!tunnel.ok) throw new Error(tunnel.outcome.detail);
 * const writer = tunnel.writable.getWriter();
 * await writer.write(new TextEncoder().encode("hello"));
 * await writer.close();
 * if (await new Response(tunnel.readable).text() !== "hello") throw new Error("unexpected");
 * ```
 */
export function fetchHandler(options: FetchHandlerOptions = {}): FetchHandler {
  const { road, log = SILENT } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const gate = new Gate({
    check: createCredentialsCheck(options),
    guard: createGuard(options.allow ?? []),
    hosts: parseHosts(options.hosts ?? {}),
    dial: road && dialBy(road),
    dialUdp: road && dialUdpBy(road),
    limits,
    log,
  });
  const handler = async (request: Request, info?: Parameters<FetchHandler>[1]) => {
    const { promise, resolve } = Promise.withResolvers<Response>();
    const remote = info?.remoteAddr as { readonly hostname?: string } | undefined;
    const client = clientKey(remote?.hostname ?? "somewhere");
    serve(request, { gate, limits, client }, resolve).then(
      (refusal) => refusal && resolve(refused(refusal)),
      (error) => {
        log.error(`proxy: a request failed in an unforeseen way: ${error}`);
        resolve(refused(INTERNAL_ERROR));
      },
    );
    return await promise;
  };
  return Object.defineProperty(handler, "flows", { get: () => gate.flows }) as FetchHandler;
}

/** Carries the tunnel that a request asks for, or returns the refusal to give. */
async function serve(
  { method, url, headers, body }: Request,
  options: { readonly gate: Gate; readonly limits: ProxyLimits; readonly client: string },
  answer: (response: Response) => void,
): Promise<Refusal | undefined> {
  const { pathname } = new URL(url);
  const tcp = tcpAskedByPath(pathname);
  const udp = tcp === undefined ? askedByPath(pathname, undefined) : undefined;
  const asked = tcp ?? udp;
  if (method !== "POST" || body === null || asked === undefined) {
    return notATunnel(method, pathname);
  }
  if ("status" in asked) return asked;

  const gone = new AbortController();
  const { pipe, body: own } = bodyPipe(body, () => gone.abort());
  const fields = POST_ANSWER_FIELDS.map(([name, value]): [string, string] => [name, value]);
  const grant = () => Promise.resolve(answer(new Response(own, { headers: fields })));
  const authorization = headers.get("authorization") ?? headers.get("proxy-authorization") ??
    undefined;
  const all = { ...options, authorization, signal: gone.signal };
  const refusal = tcp !== undefined
    ? await serveTcp(pipe, { ...all, authority: asked.authority! }, grant)
    : await serveUdpPipe(pipe, { ...asked, isDraft03: false }, { ...all, local: "" }, grant);
  if (refusal === undefined) return undefined;
  pipe.reset();
  return asOrigin(refusal);
}

function refused(refusal: Refusal): Response {
  const { fields, body } = refusalMessage(refusal);
  return new Response(body, { status: refusal.status, headers: fields });
}
