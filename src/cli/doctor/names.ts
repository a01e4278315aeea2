/**
 * Who would answer names, tried with one.
 *
 * @module
 */

import { encodeMessage, parseHeader, RCODE } from "../../dns/message.ts";
import { CLASS_IN, TYPE } from "../../dns/records.ts";
import { SILENT } from "../../log.ts";
import { openNames } from "../../names.ts";
import type { ProxyClient, Target } from "../../tunnel/tunnel.ts";
import { nameserverFor } from "../nameserver.ts";
import type { DoctorCommand } from "../options.ts";
import { type Finding, no, note, ok } from "./finding.ts";
import { isName, since } from "./proxy.ts";

/** What is tried where the target has no name. */
const EXAMPLE = "example.com";

const DNS_PORT = 53;

/** Looks at names, through `proxy`. */
export async function* nameFindings(
  command: DoctorCommand,
  proxy: ProxyClient,
  carriesTcp: boolean,
): AsyncGenerator<Finding> {
  const { names: { dns }, target } = command;
  if (dns === "off") return yield note("With --dns off names are asked like anything else");
  if (dns === "fake") {
    yield !isName(target)
      ? note("With --dns fake the proxy resolves names", "try one with --target NAME:PORT")
      : carriesTcp
      ? ok(`With --dns fake the proxy resolves names, as it did with ${target.hostname}`)
      : no("With --dns fake the proxy resolves names", "see what it says about CONNECT");
    return;
  }
  yield await answered(command, proxy);
}

async function answered(command: DoctorCommand, proxy: ProxyClient): Promise<Finding> {
  const { names, target, nameserver } = command;
  const hostname = nameserverFor({ names, nameserver }) ?? "";
  const server: Target = { hostname, port: DNS_PORT };
  let why = "";
  const log = { ...SILENT, warn: (line: string) => void (why = line) };
  await using service = openNames(proxy, names, log);
  const name = isName(target) ? target.hostname : EXAMPLE;
  const began = performance.now();
  const answer = await service.answer(question(name), server, "tcp");
  const code = answer && parseHeader(answer)?.responseCode;
  const who = names.dns === "doh" ? "HTTPS, through the proxy" : `${hostname}, through the proxy`;
  if (code === RCODE.NOERROR || code === RCODE.NXDOMAIN) {
    return ok(`With --dns ${names.dns} names are answered by ${who}, in ${since(began)}`);
  }
  const advice = names.dns === "doh" ? "give another --doh URL" : "give another --nameserver";
  return no(`With --dns ${names.dns} nobody answers: ${why || "no answer came"}`, advice);
}

/** The question for an address of a name. */
function question(name: string): Uint8Array<ArrayBuffer> {
  return encodeMessage({
    id: 1,
    isResponse: false,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    authenticData: false,
    checkingDisabled: false,
    responseCode: 0,
    questions: [{ name, type: TYPE.A, class: CLASS_IN }],
    answers: [],
    authorities: [],
    additionals: [],
  });
}
