import { assertEquals } from "@std/assert";
import { createCredentialsCheck } from "../../../src/proxy/credentials.ts";
import { proxyAuthorization } from "../../../src/masque/auth.ts";

Deno.test("without credentials to ask for everybody is let in", async () => {
  const check = createCredentialsCheck({});
  assertEquals(await check(undefined), undefined);
  assertEquals(check("Bearer x"), undefined);
});

Deno.test("a token is taken in both of its forms, and as our own client sends it", async () => {
  const check = createCredentialsCheck({ token: "s3cret=" });
  for (const privacyToken of ["s3cret=", '"s3cret="']) {
    assertEquals(check(`PrivacyToken token=${privacyToken}`), undefined);
  }
  for (const value of ["Bearer s3cret=", "bearer  s3cret=", "BEARER s3cret= "]) {
    assertEquals(await check(value), undefined, value);
  }
  assertEquals(await check(proxyAuthorization({ token: "s3cret=" })), undefined);
  assertEquals(await check(proxyAuthorization({ privacyToken: "s3cret=" })), undefined);
});

Deno.test("anything else is a 407 that says what is asked for", async () => {
  const check = createCredentialsCheck({ token: "t", basic: { user: "u", pass: "p" } });
  const bad = [undefined, "", "t", "Bearer", "Bearer ", "Bearer T", "Bearer tt", "Basic t"];
  for (
    const value of [...bad, `Basic ${btoa("u:P")}`, `Basic ${btoa("u")}`, "Bearer t, Bearer t"]
  ) {
    const refusal = await check(value);
    assertEquals(refusal?.status, 407, value);
    assertEquals(refusal?.fields, [
      ["proxy-authenticate", 'Bearer realm="pseudotcp"'],
      ["proxy-authenticate", 'Basic realm="pseudotcp", charset="UTF-8"'],
    ]);
  }
});

Deno.test("a name and a password are compared as UTF-8", async () => {
  const check = createCredentialsCheck({ basic: { user: "zoë", pass: "a:b" } });
  assertEquals(await check(proxyAuthorization({ basic: "zoë:a:b" })), undefined);
  assertEquals((await check(proxyAuthorization({ basic: "zoe:a:b" })))?.status, 407);
});

Deno.test("a refusal never repeats what was sent", async () => {
  const check = createCredentialsCheck({ token: "right" });
  assertEquals(JSON.stringify(await check("Bearer wrong-one")).includes("wrong-one"), false);
});
