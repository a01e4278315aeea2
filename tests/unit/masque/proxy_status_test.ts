import { assertEquals, assertThrows } from "@std/assert";
import { parseList, Token } from "npm:structured-headers@2.1.0";
import { formatProxyStatus, parseProxyStatus } from "../../../src/masque/proxy_status.ts";
import { isToken, parseItemList } from "../../../src/masque/structured_fields.ts";

/** Lists that exercise every bare item, and near misses of each. */
const FIELDS = [
  "",
  "   ",
  "a",
  "a, b",
  "a,b",
  "a ,\tb",
  "a,",
  "a,,b",
  ",a",
  "a b",
  " a ",
  "\ta",
  'a; error=connection_refused; details="x"',
  'a;error=dns_error;rcode="NXDOMAIN";info-code=15, "edge \\"1\\""; next-hop=origin',
  "a ; b",
  "a;  b",
  "a;b=1;b=2",
  "a;B=1",
  "a;b=",
  "a;b =1",
  '"unfinished',
  '"bad \\escape"',
  '"tab\there"',
  '"ä"',
  "1",
  "-1",
  "-",
  "--1",
  "123456789012345",
  "1234567890123456",
  "1.5",
  "1.",
  "1.2345",
  "123456789012.123",
  "1234567890123.1",
  "?0",
  "?1",
  "?2",
  "?",
  ":aGk=:",
  "::",
  ":a*:",
  ":aGk=",
  "a;d=@1659578233",
  "a;d=@1.5",
  "a;d=@",
  'a;d=%"caf%c3%a9"',
  'a;d=%"caf%C3%A9"',
  'a;d=%"%ff"',
  'a;d=%"x',
  '("a" b;c=1);d, e',
  "(a b",
  "(a(b))",
  "(a)b",
  "()",
  "*a",
  "a:b/c",
  "a=1",
  "\u0000",
];

/** The oracle's list in our shape. */
function oracle(text: string): [string, [string, string][]][] | undefined {
  try {
    return parseList(text)
      .filter(([value]) => !Array.isArray(value))
      .map(([value, parameters]) => [
        name(value),
        [...parameters].map(([key, item]) => [key, name(item)] as [string, string]),
      ]);
  } catch {
    return undefined;
  }
}

function name(value: unknown): string {
  if (value instanceof Token) return `token ${value.toString()}`;
  if (value instanceof Date) return `date ${value.getTime() / 1000}`;
  if (value instanceof ArrayBuffer) return `bytes ${new Uint8Array(value).toBase64()}`;
  return String(value);
}

function ours(text: string): [string, [string, string][]][] | undefined {
  const show = ({ type, value }: { type: string; value: unknown }) =>
    ["token", "date", "bytes"].includes(type) ? `${type} ${value}` : String(value);
  return parseItemList(text)?.map(({ item, parameters }) => [
    show(item),
    [...parameters].map(([key, value]) => [key, show(value)] as [string, string]),
  ]);
}

Deno.test("lists are read as the structured-headers package reads them", () => {
  for (const text of FIELDS) assertEquals(ours(text), oracle(text), JSON.stringify(text));
});

Deno.test("lists cut short at every length are read as the package reads them", () => {
  for (const field of FIELDS) {
    for (let length = 0; length < field.length; length++) {
      const text = field.slice(0, length);
      assertEquals(ours(text), oracle(text), JSON.stringify(text));
    }
  }
});

Deno.test("isToken knows a token from a string", () => {
  for (const text of ["a", "*", "connection_refused", "a/b:c", "A!#$%&'*+-.^_`|~9"]) {
    assertEquals(isToken(text), true, text);
  }
  for (const text of ["", "1a", "a b", 'a"', "ä", "a;b", "[::1]"]) {
    assertEquals(isToken(text), false, text);
  }
});

Deno.test("Proxy-Status of several proxies keeps their order and what each said", () => {
  const value = 'origin-side.example; received-status=503; next-hop="10.0.0.1:80", ' +
    'edge; error=dns_error; rcode="NXDOMAIN"; details="no such name"';
  assertEquals(parseProxyStatus(value), [
    { proxy: "origin-side.example", receivedStatus: 503, nextHop: "10.0.0.1:80" },
    { proxy: "edge", error: "dns_error", rcode: "NXDOMAIN", details: "no such name" },
  ]);
});

Deno.test("a parameter of the wrong type is unsaid, an unknown one is ignored", () => {
  assertEquals(parseProxyStatus('p; error="connection_refused"; details=x; new=1'), [
    { proxy: "p" },
  ]);
  assertEquals(parseProxyStatus("7; error=x, (a b); error=y, p"), [{ proxy: "p" }]);
});

Deno.test("a malformed field says nothing", () => {
  for (const value of ["p; error=", "p; error=x,", 'p; details="', "\r\n", "p p"]) {
    assertEquals(parseProxyStatus(value), [], JSON.stringify(value));
  }
});

Deno.test("what formatProxyStatus writes is what the package and parseProxyStatus read", () => {
  const statuses = [
    { proxy: "pseudotcp", error: "connection_refused" },
    { proxy: "[::1]:8443", error: "dns_error", details: 'a "quoted" \\ word' },
    { proxy: "", error: "http_request_denied", details: "" },
  ];
  for (const status of statuses) {
    const value = formatProxyStatus(status);
    assertEquals(parseProxyStatus(value), [status]);
    assertEquals(parseList(value).length, 1);
  }
});

Deno.test("formatProxyStatus never writes a character that ends the header field", () => {
  const value = formatProxyStatus({ proxy: "a\r\nb", error: "x", details: "ä\0\r\nSet-Cookie: y" });
  assertEquals(value, '"a??b"; error=x; details="????Set-Cookie: y"');
  assertThrows(() => formatProxyStatus({ proxy: "p", error: "a b" }), TypeError, "is not a token");
});
