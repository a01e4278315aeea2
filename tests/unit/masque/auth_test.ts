import { assert, assertEquals, assertThrows } from "@std/assert";
import { proxyAuthorization, redact, redactFields } from "../../../src/masque/auth.ts";

Deno.test("Each kind of credentials has its form", () => {
  assertEquals(proxyAuthorization({}), undefined);
  assertEquals(proxyAuthorization({ token: "a.b-c_d~e+f/g==" }), "Bearer a.b-c_d~e+f/g==");
  assertEquals(proxyAuthorization({ privacyToken: "AAEC_-=" }), "PrivacyToken token=AAEC_-=");
  // The example of RFC 7617, section 2, and its UTF-8 one of section 2.1.
  assertEquals(
    proxyAuthorization({ basic: "Aladdin:open sesame" }),
    "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
  );
  assertEquals(proxyAuthorization({ basic: "test:123\u00a3" }), "Basic dGVzdDoxMjPCow==");
});

Deno.test("Secrets that could end a line or a value are refused without being repeated", () => {
  const bad = [
    { token: "" },
    { token: "hush\r\nX: y" },
    { token: "hush hush" },
    { token: "hush\u00fc" },
    { privacyToken: 'hush"' },
    { privacyToken: "hush,x=y" },
    { privacyToken: "hush;" },
    { basic: "hush" },
    { basic: "hush:\n" },
    { token: "hush", basic: "a:b" },
  ];
  for (const credentials of bad) {
    const error = assertThrows(() => proxyAuthorization(credentials), TypeError);
    assert(!error.message.includes("hush"), error.message);
  }
});

Deno.test("Secrets are redacted in lines and in fields", () => {
  assertEquals(redact("a s3cret and s3cret", ["s3cret", ""]), "a [redacted] and [redacted]");
  assertEquals(redactFields([["Proxy-Authorization", "Bearer x"], ["via", "1.1 y"]]), [
    ["Proxy-Authorization", "[redacted]"],
    ["via", "1.1 y"],
  ]);
});
