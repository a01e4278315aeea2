/**
 * Whole messages with a few bytes changed: a body or a typed fault, whichever way they are cut, and never an exception.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { concatBytes } from "../../../../src/bytes.ts";
import { FRAME, greaseNumber } from "../../../../src/masque/h3/codes.ts";
import { encodeFieldSection } from "../../../../src/masque/h3/field_section.ts";
import { encodeFrame } from "../../../../src/masque/h3/frame_reader.ts";
import { readRequest } from "../../../../src/masque/h3/message.ts";
import { MessageReader } from "../../../../src/masque/h3/message_reader.ts";
import { seededDice } from "../../random.ts";

const MAX_HEAD_BYTES = 4_096;

const WHOLE = concatBytes([
  encodeFrame(greaseNumber(7), new Uint8Array(5)),
  encodeFrame(
    FRAME.HEADERS,
    encodeFieldSection([
      [":method", "CONNECT"],
      [":authority", "origin.example:443"],
      ["proxy-authorization", "Bearer secret"],
      ["x-far", "a".repeat(70)],
    ]),
  ),
  encodeFrame(FRAME.DATA, new Uint8Array(100).fill(7)),
  encodeFrame(FRAME.DATA, new Uint8Array(0)),
  encodeFrame(greaseNumber(3), new Uint8Array(0)),
  encodeFrame(FRAME.DATA, new Uint8Array(3).fill(9)),
]);

/** What a reader makes of `bytes`, given in steps. */
function read(bytes: Uint8Array<ArrayBuffer>, step: number): string {
  const body: Uint8Array[] = [];
  const reader = new MessageReader(MAX_HEAD_BYTES, {
    head: (fields) => {
      const request = readRequest(fields);
      return "code" in request ? request : "tunnel";
    },
    data: (piece) => void body.push(piece.slice()),
  });
  for (let at = 0; at < bytes.length; at += step) {
    const fault = reader.push(bytes.slice(at, at + step));
    if (fault !== undefined) {
      assert(Number.isSafeInteger(fault.code) && fault.reason.length > 0);
      return `${fault.code}`;
    }
  }
  return `${reader.end()} ${concatBytes(body).toHex()}`;
}

Deno.test("A message reads the same whole, byte by byte and in steps of any length", () => {
  const whole = read(WHOLE, WHOLE.length);
  assertEquals(whole, `whole ${"07".repeat(100)}${"09".repeat(3)}`);
  for (let step = 1; step < WHOLE.length; step++) assertEquals(read(WHOLE, step), whole);
});

Deno.test("A message with bytes changed, doubled or left out is a body or a typed fault, the same in every cut", () => {
  const dice = seededDice(9114);
  for (let round = 0; round < 3_000; round++) {
    const bytes = [...WHOLE];
    for (let change = 0; change <= dice.int(3); change++) {
      const at = dice.int(bytes.length);
      const kind = dice.int(3);
      if (kind === 0) bytes[at] = dice.int(256);
      else bytes.splice(at, kind === 1 ? 1 : 0, ...kind === 1 ? [] : [dice.int(256)]);
    }
    const changed = Uint8Array.from(bytes);
    const whole = read(changed, changed.length);
    assertEquals(read(changed, 1), whole, `round ${round}`);
    assertEquals(read(changed, 1 + dice.int(40)), whole, `round ${round}`);
  }
});
