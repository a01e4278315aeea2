/**
 * One question to one server, by HTTPS (RFC 8484).
 *
 * @module
 */

import { concatBytes } from "../bytes.ts";
import { MAX_MESSAGE_LENGTH, type Question } from "./message.ts";
import { readServerReply, type ServerReply } from "./server_reply.ts";

/** What is needed of `fetch`. */
export type Fetch = (url: URL, init: RequestInit) => Promise<Response>;

/** RFC 8484, section 6. */
const MEDIA_TYPE = "application/dns-message";

/** Names that mean this machine, to which a question in the clear harms nobody. */
const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/;

/** A server's answer, and for how long it has rested in a cache on its way. */
export interface DohAnswer {
  readonly reply: ServerReply;
  readonly ageSeconds: number;
}

/**
 * The address of a server.
 *
 * @throws {TypeError} If it is no `https:` URL; `http:` serves for this machine alone
 */
export function dohUrl(text: string | URL): URL {
  const url = URL.parse(`${text}`);
  const isClear = url?.protocol === "http:" && LOOPBACK.test(url.hostname);
  if (url !== null && (url.protocol === "https:" || isClear)) {
    if (url.username === "" && url.password === "" && url.hash === "") return url;
    throw new TypeError("Cannot ask a DNS server whose URL holds a user, a password or a fragment");
  }
  throw new TypeError(
    `Cannot ask "${text}" for names: give a URL such as https://dns.example/dns-query`,
  );
}

/** Asks. Rejects with an `Error` when there is no answer to this question, with the signal's reason when that aborts. */
export async function askOverHttps(
  fetch: Fetch,
  url: URL,
  query: Uint8Array<ArrayBuffer>,
  question: Question,
  signal: AbortSignal,
): Promise<DohAnswer> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": MEDIA_TYPE, accept: MEDIA_TYPE },
    body: query,
    redirect: "manual",
    signal,
  });
  const type = response.headers.get("content-type")?.split(";")[0].trim().toLowerCase();
  if (response.status !== 200 || type !== MEDIA_TYPE) {
    await response.body?.cancel();
    throw new Error(`${url.host} answered ${response.status} with "${type ?? "nothing"}"`);
  }
  const reply = readServerReply(await readBody(response, url), question);
  if (typeof reply === "string") throw new Error(`${url.host} sent no answer: ${reply}`);
  // RFC 8484, section 5.1: what time a cache on the way has taken is no longer left.
  const age = response.headers.get("age") ?? "";
  return { reply, ageSeconds: /^[0-9]{1,9}$/.test(age) ? Number(age) : 0 };
}

async function readBody(response: Response, url: URL): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    // Leaving the loop cancels the rest.
    if (length > MAX_MESSAGE_LENGTH) throw new Error(`${url.host} sends more than a message has`);
    chunks.push(chunk);
  }
  return concatBytes(chunks);
}
