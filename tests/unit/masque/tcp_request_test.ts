import { assertEquals, assertThrows } from "@std/assert";
import {
  encodeTcpUpgrade,
  originFields,
  parseTcpPath,
  postFields,
  readPostAnswer,
  readTcpAnswer,
  tcpConnectFields,
  tcpResource,
} from "../../../src/masque/tcp_request.ts";
import { checkTcpTemplate, DEFAULT_TCP_PATH } from "../../../src/masque/uri_template.ts";

const TARGET = { hostname: "2001:db8::1", port: 443 };

Deno.test("the path of the default template reads back, and others do not", () => {
  const { path } = tcpResource(`https://p.example${DEFAULT_TCP_PATH}`, TARGET);
  assertEquals(path, "/.well-known/masque/tcp/2001%3Adb8%3A%3A1/443/");
  assertEquals(parseTcpPath(path), TARGET);
  const prefix = "/.well-known/masque/tcp";
  for (const bad of ["a/0/", "a/65536/", "*/*/", "a%zz/1/", "//", "a%20b/1/"]) {
    assertEquals(parseTcpPath(`${prefix}/${bad}`), "malformed", bad);
  }
  for (const other of ["/", `${prefix}/a/1`, "/.well-known/masque/udp/a/1/", `${prefix}/a/b/1/`]) {
    assertEquals(parseTcpPath(other), undefined, other);
  }
});

Deno.test("the requests are those of the draft's sections 3.1 and 3.2", () => {
  const template = "https://example.com/proxy{?target_host,target_port}";
  const resource = tcpResource(template, { hostname: "192.0.2.1", port: 443 });
  const head = new TextDecoder().decode(
    encodeTcpUpgrade(resource, [["Proxy-Authorization", "Bearer x"]]),
  );
  assertEquals(
    head,
    "GET /proxy?target_host=192.0.2.1&target_port=443 HTTP/1.1\r\nHost: example.com\r\n" +
      "Connection: Upgrade\r\nUpgrade: connect-tcp\r\nCapsule-Protocol: ?1\r\nauthorization: Bearer x\r\n\r\n",
  );
  assertEquals(tcpConnectFields("https", tcpResource(template, TARGET), []), [
    [":method", "CONNECT"],
    [":protocol", "connect-tcp"],
    [":scheme", "https"],
    [":authority", "example.com"],
    [":path", "/proxy?target_host=2001%3Adb8%3A%3A1&target_port=443"],
    ["capsule-protocol", "?1"],
  ]);
});

Deno.test("credentials for a proxy become those for an origin, unless there are some", () => {
  assertEquals(originFields([["proxy-authorization", "a"], ["x", "b"]]), [
    ["authorization", "a"],
    ["x", "b"],
  ]);
  const both = [["Authorization", "a"], ["proxy-authorization", "b"]] as const;
  assertEquals(originFields(both), [...both]);
  assertEquals(postFields([]).map(([name]) => name), ["capsule-protocol", "content-type"]);
});

Deno.test("an answer is believed only when it is one to connect-tcp", () => {
  const upgrade = { connection: "Upgrade", upgrade: "connect-tcp" };
  const read = (form: "upgrade" | "connect", status: number, fields: Record<string, string>) =>
    readTcpAnswer(form, status, new Headers(fields)).is;
  assertEquals(read("upgrade", 101, upgrade), "open");
  assertEquals(read("upgrade", 101, { ...upgrade, upgrade: "connect-udp" }), "malformed");
  assertEquals(read("upgrade", 101, { upgrade: "connect-tcp" }), "malformed");
  assertEquals(read("upgrade", 200, {}), "refused");
  assertEquals(read("connect", 200, {}), "open");
  assertEquals(read("connect", 204, {}), "malformed");
  assertEquals(read("connect", 200, { "content-length": "3" }), "malformed");
  assertEquals(read("connect", 502, {}), "refused");
  assertEquals(readPostAnswer(200, new Headers({ "capsule-protocol": "?1" })).is, "open");
  assertEquals(readPostAnswer(200, new Headers()).is, "malformed");
  assertEquals(readPostAnswer(405, new Headers()).is, "refused");
});

Deno.test("a template of a TCP proxy has the rules of one of UDP", () => {
  assertThrows(() => checkTcpTemplate("https://p.example/{target_host}"), TypeError, "TCP proxy");
  assertThrows(() => checkTcpTemplate("https://p.example/{+target_host,target_port}"), TypeError);
});
