/**
 * The words that all descriptions of packets share.
 *
 * @module
 */

/** The port of name servers. */
export const PORT_DNS = 53;

/** Two addresses in text. */
export interface Ends {
  readonly source: string;
  readonly destination: string;
}

/** `A:1 > B:2`, with brackets around IPv6 addresses. */
export function endsWithPorts(ends: Ends, sourcePort: number, destinationPort: number): string {
  return `${hostPort(ends.source, sourcePort)} > ${hostPort(ends.destination, destinationPort)}`;
}

function hostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A number of bytes in words. */
export function size(length: number): string {
  return length === 1 ? "1 byte" : `${length} bytes`;
}
