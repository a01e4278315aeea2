/**
 * What the programs here share: options that name a way to a proxy, and a beginning and an end.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import {
  connectProxy,
  type ConnectProxyOptions,
  DirectClient,
  type ProxyClient,
  serveProxy,
} from "../../mod.ts";

const repeatable = { type: "string", multiple: true } as const;

/** The options of every program, as `parseArgs` takes them. */
export const ROAD_OPTIONS = {
  proxy: repeatable,
  http: repeatable,
  token: repeatable,
  ca: repeatable,
  pin: repeatable,
  help: { type: "boolean", short: "h" },
} as const;

/** The same in words. */
export const ROAD_HELP = `
  --proxy URL     https://HOST[:PORT], http://HOST[:PORT], embedded (one is started), or direct (none);
                  repeat it for a chain: each next one is reached through the one before
  --http VERSION  auto, 3, 2, 1.1 or fetch
  --token TOKEN   Bearer token; $PSEUDOTCP_TOKEN serves the first proxy as well
  --ca FILE       trust the authorities in this PEM file
  --pin SHA256    trust this one certificate
                  the first of each of these is about the first proxy, the second about the second
  --help          show this help`;

/** A wrong command line: one sentence. */
export class Usage extends Error {}

/** Values of {@linkcode ROAD_OPTIONS}. */
export interface RoadValues {
  readonly proxy?: readonly string[];
  readonly http?: readonly string[];
  readonly token?: readonly string[];
  readonly ca?: readonly string[];
  readonly pin?: readonly string[];
}

/** A way to a proxy, through a chain of them, or straight, with whatever lives as long as it. */
export async function openRoad(
  values: RoadValues,
): Promise<AsyncDisposable & { client: ProxyClient }> {
  const { proxy: chain = ["direct"], http = [], token = [], ca = [], pin = [] } = values;
  await using stack = new AsyncDisposableStack();
  let client: ProxyClient | undefined;
  for (const [i, proxy] of chain.entries()) {
    if (chain.length > 1 && !URL.canParse(proxy)) {
      throw new Usage(`"${proxy}" stands alone: a chain is made of URLs`);
    }
    client = stack.use(
      await openHop(proxy, stack, {
        http: http[i] as ConnectProxyOptions["http"], // another word is told by connectProxy
        token: token[i] ?? (i === 0 ? Deno.env.get("PSEUDOTCP_TOKEN") : undefined),
        caCerts: ca[i] === undefined ? undefined : [await Deno.readTextFile(ca[i])],
        pin: pin[i],
        via: client,
      }),
    );
  }
  const all = stack.move();
  return { client: client!, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function openHop(
  proxy: string,
  stack: AsyncDisposableStack,
  options: ConnectProxyOptions,
): Promise<ProxyClient> {
  if (proxy === "direct") return new DirectClient();
  if (proxy !== "embedded") return await connectProxy(proxy, options);
  const server = stack.use(await serveProxy({ allow: ["0.0.0.0/0", "::/0"] }));
  return await connectProxy(server.url, { http: options.http, caCerts: [server.certificate!] });
}

/** Reads `HOST:PORT`, with brackets around an IPv6 address. */
export function readEndpoint(text: string): { hostname: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new Usage(`"${text}" is no HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080`);
  }
  return { hostname: match[1] ?? match[2], port };
}

/** Reads the arguments of a program. Throws a {@linkcode Usage}. */
export function readArgs<T extends NonNullable<Parameters<typeof parseArgs>[0]>>(
  config: T,
): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs<T>(config);
  } catch (error) {
    throw new Usage(`${(error as Error).message.split(". ")[0]}; --help shows the options`);
  }
}

/** Runs a program: what it throws becomes one line, and its status. */
export async function program(main: () => Promise<number>): Promise<never> {
  try {
    Deno.exit(await main());
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(error instanceof Usage || error instanceof TypeError ? 2 : 1);
  }
}

/** Settles when the program is asked to end. */
export function endOfProgram(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => resolve());
  });
}
