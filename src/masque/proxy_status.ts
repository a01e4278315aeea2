/**
 * `Proxy-Status` (RFC 9209): what a proxy says about how it handled a request. On a CONNECT it is the only place where
 * "nobody listens there" and "that name does not exist" differ, because both are a 502.
 *
 * @module
 */

import { isToken, type ListItem, parseItemList } from "./structured_fields.ts";

/** One member of the field: what one proxy on the way says. Absent means unsaid, or said with the wrong type. */
export interface ProxyStatus {
  /** The proxy's name for itself: a host name, an alias, anything. */
  readonly proxy: string;
  /** A proxy error type (section 2.3), for instance `connection_refused`; foreign ones are kept as they are. */
  readonly error?: string;
  /** Words for people. Foreign text: not for a terminal without care. */
  readonly details?: string;
  /** The status that the next hop answered. */
  readonly receivedStatus?: number;
  /** Whom the proxy asked, or tried to. */
  readonly nextHop?: string;
  /** The DNS response code that came with `dns_error`, for instance `NXDOMAIN`. */
  readonly rcode?: string;
}

/**
 * Parses the value of `Proxy-Status`; several lines are joined with commas first. The first member is the proxy
 * nearest to the origin, the last one the proxy nearest to us (section 2). A malformed field gives an empty list.
 *
 * @example The reason behind a 502
 * ```ts
 * import { parseProxyStatus } from "./proxy_status.ts";
 *
 * const [status] = parseProxyStatus('edge.example; error=dns_error; rcode="NXDOMAIN"');
 * if (status.error !== "dns_error" || status.rcode !== "NXDOMAIN") throw new Error("unexpected");
 * ```
 */
export function parseProxyStatus(value: string): ProxyStatus[] {
  const statuses: ProxyStatus[] = [];
  for (const member of parseItemList(value) ?? []) {
    const { type, value: proxy } = member.item;
    if (type !== "string" && type !== "token") continue;
    statuses.push({
      proxy,
      ...text(member, "error", "error", "token"),
      ...text(member, "details", "details", "string"),
      ...text(member, "nextHop", "next-hop", "string", "token"),
      ...text(member, "rcode", "rcode", "string"),
      ...integer(member, "receivedStatus", "received-status"),
    });
  }
  return statuses;
}

/**
 * Formats one member of `Proxy-Status`. Characters of `proxy` and `details` that a header field may not carry become `?`.
 * Throws a `TypeError` when `error` is not a token.
 *
 * @example A refusal
 * ```ts
 * import { formatProxyStatus } from "./proxy_status.ts";
 *
 * const value = formatProxyStatus({ proxy: "pseudotcp", error: "connection_refused" });
 * if (value !== "pseudotcp; error=connection_refused") throw new Error(value);
 * ```
 */
export function formatProxyStatus(
  status: Pick<ProxyStatus, "proxy" | "details"> & { readonly error: string },
): string {
  if (!isToken(status.error)) {
    throw new TypeError(
      `Cannot format Proxy-Status: the error "${status.error}" is not a token, use a name of RFC 9209, section 2.3`,
    );
  }
  const proxy = isToken(status.proxy) ? status.proxy : quote(status.proxy);
  const details = status.details === undefined ? "" : `; details=${quote(status.details)}`;
  return `${proxy}; error=${status.error}${details}`;
}

function quote(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, "\\$&")}"`;
}

function text(member: ListItem, name: string, key: string, ...types: string[]) {
  const item = member.parameters.get(key);
  return item !== undefined && types.includes(item.type) ? { [name]: item.value } : {};
}

function integer(member: ListItem, name: string, key: string) {
  const item = member.parameters.get(key);
  return item?.type === "integer" ? { [name]: item.value } : {};
}
