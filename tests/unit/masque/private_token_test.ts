import { assert, assertEquals } from "@std/assert";
import {
  encodeTokenChallenge,
  fromBase64Url,
  readToken,
  readTokenChallenges,
  TOKEN_TYPES,
} from "../../../src/masque/private_token.ts";

const CHALLENGE = {
  type: TOKEN_TYPES.blindRsa,
  issuer: "issuer.example",
  context: new Uint8Array(32).fill(7),
  origins: ["proxy.example", "other.example"],
};

const field = (bytes: Uint8Array, more = "") =>
  `PrivateToken challenge="${bytes.toBase64({ alphabet: "base64url" })}"${more}`;

Deno.test("A challenge comes back as it was written, and truncated at any length there is none", () => {
  for (const context of [CHALLENGE.context, new Uint8Array(0)]) {
    for (const origins of [CHALLENGE.origins, []]) {
      const bytes = encodeTokenChallenge({ ...CHALLENGE, context, origins });
      const [read] = readTokenChallenges(field(bytes, ', token-key="AQID", max-age=10'));
      const tokenKey = Uint8Array.of(1, 2, 3);
      assertEquals({ ...read }, { ...CHALLENGE, context, origins, bytes, tokenKey });
      for (let length = 0; length < bytes.length; length++) {
        assertEquals(readTokenChallenges(field(bytes.subarray(0, length))), []);
      }
      assertEquals(readTokenChallenges(field(Uint8Array.of(...bytes, 0))), []);
    }
  }
});

Deno.test("Types that nobody knows, empty issuers and odd contexts are passed over", () => {
  const good = encodeTokenChallenge(CHALLENGE);
  const bad = [
    { ...CHALLENGE, type: 0xda7a },
    { ...CHALLENGE, issuer: "" },
    { ...CHALLENGE, context: new Uint8Array(5) },
  ].map(encodeTokenChallenge);
  const all = [...bad, good].map((bytes) => field(bytes)).join(", ");
  assertEquals(readTokenChallenges(`Basic realm="x", ${all}`).map(({ type }) => type), [2]);
  assertEquals(readTokenChallenges(field(good, ', token-key="not base64!"')), []);
  assertEquals(readTokenChallenges("PrivateToken"), []);
});

Deno.test("The bytes of RFC 9577, section 2.1.1: type, issuer, context, origins", () => {
  assertEquals(
    encodeTokenChallenge({ type: 1, issuer: "i", context: new Uint8Array(0), origins: ["o"] }),
    Uint8Array.of(0, 1, 0, 1, 0x69, 0, 0, 1, 0x6f),
  );
});

Deno.test("A token of another length than its type has is none", () => {
  for (const [type, length] of [[1, 146], [2, 354]]) {
    const token = Uint8Array.from({ length }, (_, i) => i & 255);
    token.set([0, type]);
    const fields = readToken(token);
    assert(fields);
    assertEquals([fields.type, fields.nonce[0], fields.challengeDigest[0], fields.keyId[0]], [
      type,
      2,
      34,
      66,
    ]);
    for (let less = 0; less < length; less++) {
      assertEquals(readToken(token.subarray(0, less)), undefined);
    }
    assertEquals(readToken(Uint8Array.of(...token, 0)), undefined);
  }
  assertEquals(readToken(Uint8Array.of(0, 9, ...new Uint8Array(144))), undefined);
});

Deno.test("Base64 is taken in both alphabets, with and without padding", () => {
  for (const text of ["-_8=", "-_8", "+/8=", "+/8", " -_8=\n"]) {
    assertEquals(fromBase64Url(text), Uint8Array.of(0xfb, 0xff), text);
  }
  assertEquals(fromBase64Url("%"), undefined);
});
