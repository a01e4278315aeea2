/**
 * What either side says first (RFC 9114, section 6.2): its settings, and things that nobody knows, so that nobody comes to rely on there being none.
 *
 * @module
 */

import { concatBytes } from "../bytes.ts";
import { FRAME, greaseNumber, STREAM } from "../masque/h3/codes.ts";
import { encodeFrame } from "../masque/h3/frame_reader.ts";
import { encodeSettings, type H3Settings } from "../masque/h3/settings.ts";
import { setVarint } from "../masque/varint.ts";

/** Reserved numbers that are drawn from; any would do. */
const GREASE_NUMBERS = 1_000;

/** The beginnings of two streams: the control stream with settings first (section 6.2.1), and one of a type that nobody knows (section 6.2.3). */
export function greeting(settings: H3Settings): { control: Uint8Array; unknown: Uint8Array } {
  const grease = Math.floor(Math.random() * GREASE_NUMBERS);
  const control = concatBytes([
    new Uint8Array([STREAM.CONTROL]),
    encodeFrame(FRAME.SETTINGS, encodeSettings(settings, grease)),
    encodeFrame(greaseNumber(grease), new Uint8Array(grease % 8)),
  ]);
  const type = new Uint8Array(8);
  return { control, unknown: type.subarray(0, setVarint(type, 0, greaseNumber(grease))) };
}
