import { assertEquals } from "@std/assert";
import { parseAltSvc } from "../../../src/masque/alt_svc.ts";

Deno.test("Alternatives come in their order, with host, port and age", () => {
  assertEquals(
    parseAltSvc(
      'h3=":443"; ma=60; persist=1, h2="alt.example:8443",w%3Dx%3Ay="[2001:db8::1]:1";ma="5"',
    ),
    [
      { protocol: "h3", hostname: "", port: 443, maxAge: 60 },
      { protocol: "h2", hostname: "alt.example", port: 8443, maxAge: 86_400 },
      { protocol: "w=x:y", hostname: "2001:db8::1", port: 1, maxAge: 5 },
    ],
  );
});

Deno.test("clear is clear, and only alone", () => {
  assertEquals(parseAltSvc(" clear "), "clear");
  assertEquals(parseAltSvc('clear, h3=":1"'), []);
});

Deno.test("Impossible ports are passed over, the malformed ends the list, and it is bounded", () => {
  assertEquals(parseAltSvc(""), []);
  assertEquals(parseAltSvc("h3"), []);
  assertEquals(parseAltSvc('h3=":0", h3=":65536", h3="x", h3=":"'), []);
  assertEquals(parseAltSvc('h3=":0", h3=":8"'), [
    { protocol: "h3", hostname: "", port: 8, maxAge: 86_400 },
  ]);
  assertEquals(parseAltSvc('h3=":8" garbage, h2=":9').length, 1);
  assertEquals(parseAltSvc(Array.from({ length: 50 }, () => 'h3=":1"').join()).length, 16);
  assertEquals(
    (parseAltSvc(`h3=":1"; ma=${"9".repeat(400)}`)[0] as { maxAge: number }).maxAge,
    2_592_000,
  );
});

Deno.test("Garbage is read in time that grows with its length", () => {
  for (const unit of ['"', 'a="', ";", ",", " ", 'h3=":1";"', "\\"]) {
    parseAltSvc('h3=":1"' + unit.repeat(20_000));
  }
});
