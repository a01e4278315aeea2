import { assertEquals, assertThrows } from "@std/assert";
import { formatAuthority, parseAuthority } from "../../../src/masque/authority.ts";

const GOOD: [text: string, hostname: string, port: number][] = [
  ["example.com:443", "example.com", 443],
  ["example.com.:1", "example.com.", 1],
  ["192.0.2.1:65535", "192.0.2.1", 65535],
  ["[2001:db8::1]:80", "2001:db8::1", 80],
  ["[::]:80", "::", 80],
  ["[::ffff:192.0.2.1]:80", "::ffff:192.0.2.1", 80],
  ["_svc._tcp.example:9", "_svc._tcp.example", 9],
  ["a~!$&'()*+,;=:9", "a~!$&'()*+,;=", 9],
];

const BAD = [
  "",
  ":",
  ":443",
  "example.com",
  "example.com:",
  "example.com:0",
  "example.com:65536",
  "example.com:0443",
  "example.com:+443",
  "example.com: 443",
  "example.com:443 ",
  "example.com:4e2",
  "example.com:443/",
  "user@example.com:443",
  "user:password@example.com:443",
  "exa mple.com:443",
  "exa\r\nmple.com:443",
  "example.com:443\r\n",
  "ex%61mple.com:443",
  "ex/ample:443",
  "exämple:443",
  "2001:db8::1:443",
  "[2001:db8::1]",
  "[2001:db8::1:443",
  "2001:db8::1]:443",
  "[example.com]:443",
  "[192.0.2.1]:443",
  "[fe80::1%eth0]:443",
  "[v1.fe80]:443",
  "[]:443",
  "[1:2]:443",
  "http://example.com:443",
  `${"a".repeat(255)}:443`,
];

Deno.test("an authority splits into host and port, and joins again", () => {
  for (const [text, hostname, port] of GOOD) {
    assertEquals(parseAuthority(text), { hostname, port }, text);
    assertEquals(formatAuthority(hostname, port), text);
  }
});

Deno.test("what is not exactly one host and one port is no authority", () => {
  for (const text of BAD) assertEquals(parseAuthority(text), undefined, text);
});

Deno.test("an authority cut short is never mistaken for another host", () => {
  for (const [text, hostname] of GOOD) {
    for (let length = 0; length < text.length; length++) {
      const parsed = parseAuthority(text.slice(0, length));
      if (parsed !== undefined) assertEquals(parsed.hostname, hostname);
    }
  }
});

Deno.test("formatAuthority refuses what would break a request line", () => {
  for (const hostname of ["", "a b", "a\r\nHost: b", "[::1]", "user@host", "a/b"]) {
    assertThrows(() => formatAuthority(hostname, 443), TypeError, "Cannot form an authority");
  }
  for (const port of [0, -1, 65_536, 1.5, NaN]) {
    assertThrows(
      () => formatAuthority("example.com", port),
      RangeError,
      "is not within 1 to 65535",
    );
  }
});
