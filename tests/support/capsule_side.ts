/**
 * The origin's end of a TCP tunnel in capsules, over the bytes of a {@linkcode FarSide}, by a codec that shares nothing with the one
 * under test.
 *
 * @module
 */

import { concatBytes } from "../../src/bytes.ts";
import { naiveCapsule } from "./datagram_side.ts";
import type { FarSide } from "./far_side.ts";

/** The types of draft-ietf-httpbis-connect-tcp, as its drafts 08 to 11 have them for tests. */
export const DATA = 0x2028d7f0;
/** The same with a FIN. */
export const FINAL_DATA = 0x2028d7f1;

/** What the client says inside of its capsules, and the other way. `end` ends the stream beneath only once both FINs have been said. */
export function capsuleSide(far: FarSide): FarSide {
  let rest: Uint8Array = new Uint8Array(0);
  const ends = { read: false, written: false };
  const finish = async () => {
    if (ends.read && ends.written) await far.end();
  };
  const take = () => {
    const types = rest.length < 8 ? undefined : new DataView(rest.buffer, rest.byteOffset);
    if (types === undefined) return undefined;
    const [type, length] = [types.getUint32(0) - 2 ** 31, types.getUint32(4) - 2 ** 31];
    if (length < 0) throw new Error("this twin reads lengths of four bytes only");
    if (rest.length < 8 + length) return undefined;
    const value = rest.slice(8, 8 + length);
    rest = rest.slice(8 + length);
    return { type, value };
  };
  return {
    authority: far.authority,
    async read() {
      for (;;) {
        if (ends.read) return null;
        const capsule = take();
        if (capsule === undefined) {
          const bytes = await far.read();
          if (bytes === null) throw new Error("the tunnel was cut");
          rest = concatBytes([rest, bytes]);
          continue;
        }
        ends.read = capsule.type === FINAL_DATA;
        if (ends.read) await finish();
        if (capsule.value.length > 0) return capsule.value;
      }
    },
    write: (bytes) => far.write(naiveCapsule(DATA, bytes)),
    async end() {
      await far.write(naiveCapsule(FINAL_DATA, []));
      ends.written = true;
      await finish();
    },
    reset: () => far.reset(),
  };
}
