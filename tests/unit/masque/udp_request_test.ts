import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { encodeUdpDraft03, encodeUdpUpgrade } from "../../../src/masque/udp_request.ts";
import {
  parseDraft03Target,
  parseUdpPath,
  readUdpAnswer,
  udpOutcomeOf,
  udpResource,
} from "../../../src/masque/udp_request.ts";
import { DEFAULT_UDP_PATH } from "../../../src/masque/uri_template.ts";

const TEMPLATE = `https://example.org${DEFAULT_UDP_PATH}`;

Deno.test("Targets stand in the path, and come out of it again", () => {
  const cases: [string, number, string][] = [
    ["192.0.2.6", 443, "192.0.2.6/443"], // RFC 9298, section 3.6
    ["2001:db8::42", 443, "2001%3Adb8%3A%3A42/443"],
    ["target.example.com", 65535, "target.example.com/65535"],
  ];
  for (const [hostname, port, path] of cases) {
    const resource = udpResource(TEMPLATE, { hostname, port });
    assertEquals(resource, { authority: "example.org", path: `/.well-known/masque/udp/${path}/` });
    assertEquals(parseUdpPath(resource.path), { hostname, port });
  }
  const any = udpResource(TEMPLATE, "*").path;
  assertEquals(any, "/.well-known/masque/udp/%2A/%2A/");
  assertEquals(parseUdpPath(any), "*");
});

Deno.test("A query is part of the path", () => {
  const template = "https://p.example:4443/masque{?target_host,target_port}";
  assertEquals(udpResource(template, { hostname: "a.example", port: 53 }), {
    authority: "p.example:4443",
    path: "/masque?target_host=a.example&target_port=53",
  });
});

Deno.test("A target that cannot be asked for is a mistake of the caller", () => {
  for (const hostname of ["", "a b", "[::1]", "fe80::1%eth0", "a/b"]) {
    assertThrows(() => udpResource(TEMPLATE, { hostname, port: 1 }), TypeError);
  }
  for (const port of [0, 65536, 1.5]) {
    assertThrows(() => udpResource(TEMPLATE, { hostname: "a", port }), RangeError);
  }
});

Deno.test("Paths that lead nowhere are told apart from other resources", () => {
  const path = (rest: string) => parseUdpPath(`/.well-known/masque/udp/${rest}`);
  for (
    const rest of [
      "a/0/",
      "a/65536/",
      "a/x/",
      "/1/",
      "a//",
      "*/1/",
      "a/*/",
      "%5B%3A%3A1%5D/1/",
      "fe80%3A%3A1%25eth0/1/",
      "%ff/1/",
      "%/1/",
      "a%20b/1/",
      "a%2Fb/1/",
    ]
  ) assertEquals(path(rest), "malformed", rest);
  for (const rest of ["", "a", "a/1", "a/1/x", "a/1/?x", "a/b/1/"]) {
    assertEquals(path(rest), undefined, rest);
  }
});

Deno.test("The upgrade is the one of RFC 9298, section 3.2", () => {
  const resource = udpResource(TEMPLATE, { hostname: "192.0.2.6", port: 443 });
  const text = new TextDecoder().decode(encodeUdpUpgrade(resource, [["x-a", "b"]]));
  assertEquals(
    text,
    "GET /.well-known/masque/udp/192.0.2.6/443/ HTTP/1.1\r\nHost: example.org\r\n" +
      "Connection: Upgrade\r\nUpgrade: connect-udp\r\nCapsule-Protocol: ?1\r\nx-a: b\r\n\r\n",
  );
  assertThrows(() => encodeUdpUpgrade(resource, [["upgrade", "x"]]), TypeError);
});

Deno.test("The request of draft 03 names its target as a masque URI", () => {
  const text = new TextDecoder().decode(encodeUdpDraft03("[::1]:53", []));
  assertEquals(text, "CONNECT-UDP masque://[::1]:53/ HTTP/1.1\r\nHost: [::1]:53\r\n\r\n");
  assertEquals(parseDraft03Target("masque://[::1]:53/"), "[::1]:53");
  for (const target of ["masque://a:1", "masque://a:1/x", "a:1", "http://a:1/"]) {
    assertEquals(parseDraft03Target(target), undefined);
  }
});

Deno.test("Only an answer that keeps every rule opens a tunnel", () => {
  const upgraded = { connection: "keep-alive, Upgrade", upgrade: "Connect-UDP" };
  const read = (
    form: "upgrade" | "connect" | "draft-03",
    status: number,
    fields: Record<string, string> = {},
  ) => readUdpAnswer(form, status, new Headers(fields)).is;
  assertEquals(read("upgrade", 101, upgraded), "open");
  assertEquals(read("upgrade", 101), "malformed");
  assertEquals(read("upgrade", 101, { ...upgraded, connection: "close" }), "malformed");
  assertEquals(read("upgrade", 101, { ...upgraded, upgrade: "websocket" }), "malformed");
  assertEquals(read("upgrade", 101, { ...upgraded, upgrade: "connect-udp, x" }), "malformed");
  assertEquals(read("upgrade", 101, { ...upgraded, "content-length": "0" }), "malformed");
  assertEquals(read("upgrade", 200), "refused");
  assertEquals(read("connect", 200), "open");
  assertEquals(read("connect", 299), "open");
  for (const status of [204, 205, 206]) assertEquals(read("connect", status), "malformed");
  assertEquals(read("connect", 200, { "content-type": "text/html" }), "malformed");
  assertEquals(read("connect", 200, { "transfer-encoding": "chunked" }), "malformed");
  assertEquals(read("connect", 404), "refused");
  assertEquals(read("draft-03", 200, { "content-length": "0" }), "open");
  assertEquals(read("draft-03", 400), "refused");
});

Deno.test("A proxy that does not know the request does not carry UDP; others say why", () => {
  const outcome = (status: number, proxyStatus?: string) =>
    udpOutcomeOf({ status, proxyStatus }, "udp a.example:1");
  for (const status of [200, 404, 405, 426, 501]) {
    assertEquals(outcome(status).kind, "udp_unsupported");
    assertEquals([outcome(status).refusal, outcome(status).status], ["port-unreachable", status]);
    assertMatch(outcome(status).detail, /udp a\.example:1.*does not carry UDP/);
  }
  assertEquals(outcome(407).kind, "proxy_authentication_required");
  assertEquals(outcome(502, "p; error=dns_error").kind, "dns_error");
  assertEquals(outcome(502).refusal, "reset");
});
