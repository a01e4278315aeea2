/**
 * Heads of requests and responses in HTTP/3: a malformed one spoils its stream (RFC 9114, section 4.1.2).
 *
 * @module
 */

import type { Field } from "../fields/field.ts";
import {
  readRequestHead,
  readResponseHead,
  type RequestHead,
  type ResponseHead,
} from "../fields/message.ts";
import { ERROR, type H3Fault } from "./codes.ts";

/** Reads a request head. */
export function readRequest(fields: readonly Field[]): RequestHead | H3Fault {
  const head = readRequestHead(fields);
  return typeof head === "string" ? malformed(head) : head;
}

/** Reads a response head. */
export function readResponse(fields: readonly Field[]): ResponseHead | H3Fault {
  const head = readResponseHead(fields);
  return typeof head === "string" ? malformed(head) : head;
}

/** A malformed message. */
export function malformed(reason: string): H3Fault {
  return { code: ERROR.MESSAGE_ERROR, reason, isOfStream: true };
}
