/**
 * Privacy Pass between our client and our proxy, with the tokens of the library.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { readTokenChallenges, type TokenChallenge } from "../../../../src/masque/private_token.ts";
import { createTokenAuthority, type TokenType } from "../../../../src/proxy/private_tokens.ts";
import { serveProxy } from "../../../../src/proxy/proxy.ts";
import { ffiIsUsable } from "../../../../src/sockets/libc.ts";
import { connectProxy } from "../../../../src/tunnel/proxy_client.ts";

ffiIsUsable(); // loads the C library once, for all tests

const ISSUER = "issuer.example";

/** An origin that says hello to whoever connects. */
function greet() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.write(new TextEncoder().encode("hello"));
      connection.close();
    }
  })();
  return {
    target: { hostname: "127.0.0.1", port: listener.addr.port },
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

for (const type of [1, 2] as TokenType[]) {
  for (const http of ["1.1", "2"] as const) {
    Deno.test(`Tokens of type ${type} open tunnels over HTTP/${http}, each one once`, async () => {
      await using origin = greet();
      const privateTokens = await createTokenAuthority(ISSUER, [type]);
      await using server = await serveProxy({ tls: false, allow: ["127.0.0.0/8"], privateTokens });
      const asked: TokenChallenge[] = [];
      await using client = await connectProxy(server.url, {
        http,
        privateTokens: async (challenge) => {
          asked.push(challenge);
          return asked.length > 2 ? [] : await privateTokens.issue(challenge.bytes, 2);
        },
      });
      for (let flow = 0; flow < 4; flow++) {
        const tunnel = await client.connect(origin.target);
        assert(tunnel.ok, tunnel.ok ? "" : tunnel.outcome.detail);
        await tunnel.writable.close();
        assertEquals(await new Response(tunnel.readable).text(), "hello");
        await tunnel.closed;
      }
      assertEquals(asked.length, 2); // two tokens each
      assertEquals([asked[0].issuer, asked[0].type], [ISSUER, type]);
      const tunnel = await client.connect(origin.target);
      assert(!tunnel.ok, "without a token");
      assertEquals(tunnel.outcome.kind, "proxy_authentication_required");
    });
  }
}

Deno.test("A token of another authority, of another challenge or of no sense is refused", async () => {
  const [ours, theirs] = await Promise.all([
    createTokenAuthority(ISSUER),
    createTokenAuthority(ISSUER),
  ]);
  for (const field of ours.challenges) {
    const [{ bytes }] = readTokenChallenges(field);
    const [good] = await ours.issue(bytes);
    const [foreign] = await theirs.issue(bytes);
    const [other] = await ours.issue(Uint8Array.of(...bytes.subarray(0, -2), 0, 1, 0x61));
    const bent = good.slice(0, -8) + (good.at(-8) === "A" ? "B" : "A") + good.slice(-7);
    for (const token of [foreign, other, bent, "", "AAAA", "%"]) {
      assertEquals(await ours.verify(`PrivateToken token="${token}"`), false);
    }
    assertEquals(await ours.verify(`PrivateToken token=${good}`), true);
    assertEquals(await ours.verify(`PrivateToken token=${good}`), false);
  }
});

Deno.test("Tokens that do not fit the challenge are passed over, whatever a source gives", async () => {
  await using origin = greet();
  const privateTokens = await createTokenAuthority(ISSUER, [2]);
  const stranger = await createTokenAuthority("stranger.example", [2]);
  await using server = await serveProxy({ tls: false, allow: ["127.0.0.0/8"], privateTokens });
  await using client = await connectProxy(server.url, {
    privateTokens: async ({ bytes }) => [
      "",
      "no token at all",
      ...await stranger.issue(bytes),
      ...await privateTokens.issue(bytes),
    ],
  });
  const tunnel = await client.connect(origin.target);
  assert(tunnel.ok);
  await tunnel.readable.cancel();
});
