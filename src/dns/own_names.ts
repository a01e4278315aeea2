/**
 * What is answered here in every mode, and asked of nobody: the names of a hosts file, and those that the standards keep on
 * the machine.
 *
 * @module
 */

import { IPV4_LENGTH, parseIp } from "../wire/address.ts";
import type { Hosts } from "./hosts.ts";
import { addressOfReverseName } from "./name.ts";
import type { Query } from "./query.ts";
import { CLASS_IN, TYPE } from "./records.ts";
import { answerRecord, NEGATIVE_TTL_SECONDS, NO_DATA, NO_NAME, type Verdict } from "./reply.ts";

/** Names that exist nowhere, with those below them: RFC 6761, section 6.4, and RFC 7686. */
const NOWHERE = ["invalid", "onion"];
/** Asked by browsers before they go around the system's resolver: "no" keeps them here. */
const CANARY = "use-application-dns.net";

const LOOPBACK = [parseIp("127.0.0.1")!, parseIp("::1")!];

/** The answer that needs nobody else; undefined when somebody else has to be asked. */
export function ownVerdict(query: Query, hosts: Hosts): Verdict | undefined {
  const { name, question } = query;
  if (question.class !== CLASS_IN) return undefined;
  const addresses = hosts.addressesOf(name);
  if (addresses !== undefined) return addressVerdict(query, addresses);
  const found = hostOfReverseName(name, hosts);
  if (found !== undefined) return nameVerdict(query, found, NEGATIVE_TTL_SECONDS);
  if (isBelow(name, "localhost")) return addressVerdict(query, LOOPBACK);
  if (name === CANARY || NOWHERE.some((zone) => isBelow(name, zone))) return NO_NAME;
  return undefined;
}

function hostOfReverseName(name: string, hosts: Hosts): string | undefined {
  const address = hosts.size === 0 ? undefined : addressOfReverseName(name);
  return address && hosts.nameOf(address);
}

/** Whether `name` is `zone` or ends in it; both in lower case. */
export function isBelow(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}

/** The addresses of the family that was asked for; "no such data" when there is none, and for every other type. */
export function addressVerdict(
  query: Query,
  addresses: readonly Uint8Array[],
  ttlSeconds = NEGATIVE_TTL_SECONDS,
): Verdict {
  const { type } = query.question;
  if (type !== TYPE.A && type !== TYPE.AAAA) return NO_DATA;
  const asked = addresses.filter(({ length }) => (length === IPV4_LENGTH) === (type === TYPE.A));
  const answers = asked.map((address) =>
    answerRecord(query, ttlSeconds, { kind: "address", address })
  );
  return { ...NO_DATA, answers };
}

/** The name of an address, for who asks for that. */
export function nameVerdict(query: Query, name: string, ttlSeconds: number): Verdict {
  if (query.question.type !== TYPE.PTR) return NO_DATA;
  return { ...NO_DATA, answers: [answerRecord(query, ttlSeconds, { kind: "name", name })] };
}
