/**
 * The Huffman code of HPACK and QPACK (RFC 7541, section 5.2 and appendix B).
 *
 * The code is canonical: codes of one length follow each other in the order of their symbols. So the lengths say it all, and the appendix's
 * table of 257 codes fits in five lines.
 *
 * @module
 */

/** The length of each symbol's code, in the order of the symbols: `A` is 5 bits, `Z` 30. The last one is the end of the string. */
const LENGTHS = "ISXXXXXXXTZXXZXXXXXXXXZXXXXXXXXXBFFHIBDGFFDGDBBBAAABBBBBBBCDKBHF" +
  "IBCCCCCCCCCCCCCCCCCCCCCCDCDIOIJBKABABABBBACCBBBABCBAABCCCCCKGJIX" +
  "PRPPRRRSRSSSSSTSTTRSTSSSSQRSRSSTRQPRRSSQSRRTQRSSQQRQSRSSPRRRSRRS" +
  "VVPORSRUVVVWWVTUOQVWWVWTQQVVXWWWPTPQRQQSRRUUTTVSVWVVWWWWWXWWWWWV" +
  "Z";

/** The symbol that only pads. */
const END = 256;

const SHORTEST = 5;
const LONGEST = 30;

/** Code and length of each symbol. */
const CODES = new Uint32Array(257);
const CODE_BITS = new Uint8Array(257);
/** All symbols in the order of their codes. */
const SYMBOLS = new Uint16Array(257);
/** By length: the first code, and where its symbol stands in `SYMBOLS`; one entry more than lengths. */
const FIRST_CODE = new Uint32Array(LONGEST + 2);
const FIRST_INDEX = new Uint16Array(LONGEST + 2);

buildCode();

function buildCode(): void {
  let code = 0;
  let index = 0;
  for (let bits = SHORTEST; bits <= LONGEST; bits++) {
    FIRST_CODE[bits] = code;
    FIRST_INDEX[bits] = index;
    for (let symbol = 0; symbol <= END; symbol++) {
      if (LENGTHS.charCodeAt(symbol) - 65 + SHORTEST !== bits) continue;
      CODES[symbol] = code++;
      CODE_BITS[symbol] = bits;
      SYMBOLS[index++] = symbol;
    }
    code *= 2;
  }
  FIRST_INDEX[LONGEST + 1] = index;
}

/** Bytes that `text`, one byte a character, takes in Huffman code. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += CODE_BITS[text.charCodeAt(i)];
  return Math.ceil(bits / 8);
}

/** Writes `text`, one byte a character, at `offset` and returns the offset behind it. Trusts that there is room. */
export function setHuffman(bytes: Uint8Array, offset: number, text: string): number {
  let held = 0; // bits that fill no byte yet, fewer than eight
  let heldBits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i);
    let left = CODE_BITS[symbol];
    const code = CODES[symbol];
    while (heldBits + left >= 8) {
      const taken = 8 - heldBits;
      left -= taken;
      bytes[offset++] = (held << taken) | ((code >>> left) & ((1 << taken) - 1));
      held = heldBits = 0;
    }
    held = (held << left) | (code & ((1 << left) - 1));
    heldBits += left;
  }
  // Section 5.2: the rest is the beginning of the end symbol, which is all ones.
  if (heldBits > 0) bytes[offset++] = (held << (8 - heldBits)) | (0xff >>> heldBits);
  return offset;
}

/**
 * Decodes a whole string; `undefined` when the padding is longer than seven bits or not of ones, or when the end symbol stands in it (section 5.2).
 *
 * @example The first example of RFC 7541, appendix C.4.1
 * ```ts
 * import { decodeHuffman } from "./huffman.ts";
 *
 * const bytes = Uint8Array.fromHex("f1e3c2e5f23a6ba0ab90f4ff");
 * if (decodeHuffman(bytes) !== "www.example.com") throw new Error("unexpected");
 * ```
 */
export function decodeHuffman(bytes: Uint8Array): string | undefined {
  let text = "";
  let code = 0;
  let bits = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >>> bit) & 1);
      bits++;
      if (bits < SHORTEST) continue;
      const index = FIRST_INDEX[bits] + code - FIRST_CODE[bits];
      if (index < FIRST_INDEX[bits + 1]) {
        const symbol = SYMBOLS[index];
        if (symbol === END) return undefined;
        text += String.fromCharCode(symbol);
        code = bits = 0;
      } else if (bits === LONGEST) return undefined;
    }
  }
  return bits < 8 && code === 2 ** bits - 1 ? text : undefined;
}
