import { assertEquals } from "@std/assert";
import {
  findHeadEnd,
  isHttp2Preface,
  parseRequestHead,
} from "../../../src/proxy/asked/request_head.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const parse = (text: string) => parseRequestHead(encode(text));

const HEAD =
  "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nX-A:  1 \r\nx-a: 2\r\n\r\n";

Deno.test("a head has a method, a target, a version and fields", () => {
  assertEquals(parse(HEAD), {
    method: "CONNECT",
    target: "example.com:443",
    minorVersion: 1,
    fields: new Map([["host", "example.com:443"], ["x-a", "1, 2"]]),
  });
  assertEquals(parse("GET / HTTP/1.0\r\n\r\n")?.fields.size, 0);
});

Deno.test("a head that is cut short at any place is no head", () => {
  for (let length = 0; length < HEAD.length; length++) {
    assertEquals(parse(HEAD.slice(0, length)), undefined, String(length));
  }
});

Deno.test("what two readers could read in two ways is refused", () => {
  const heads = [
    "CONNECT a:1 HTTP/1.1\nHost: a\n\n",
    "CONNECT a:1 HTTP/1.1\r\nHost : a\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nHost: a\0\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\n: a\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nnonsense\r\n\r\n",
    "CONNECT  a:1 HTTP/1.1\r\n\r\n",
    "CONNECT a:1 b HTTP/1.1\r\n\r\n",
    "CONNECT a:1 HTTP/1.1 \r\n\r\n",
    "CONNECT a:1 HTTP/2.0\r\n\r\n",
    "CONNECT a:1 http/1.1\r\n\r\n",
    "CONN{ECT a:1 HTTP/1.1\r\n\r\n",
    "CONNECT \u00e4:1 HTTP/1.1\r\n\r\n",
    "\r\nCONNECT a:1 HTTP/1.1\r\n\r\n",
    "\r\n\r\n",
  ];
  for (const head of heads) assertEquals(parse(head), undefined, JSON.stringify(head));
});

Deno.test("the end of a head is found, however its bytes are cut", () => {
  const bytes = encode(`${HEAD}early`);
  for (let first = 0; first < bytes.length; first++) {
    const early = findHeadEnd(bytes, first, 0);
    const end = early >= 0 ? early : findHeadEnd(bytes, bytes.length, first);
    assertEquals(end, HEAD.length, String(first));
  }
  assertEquals(findHeadEnd(encode("a\n\nb\r\n"), 6, 0), -1);
});

Deno.test("the preface of HTTP/2 is told from a request", () => {
  assertEquals(isHttp2Preface(encode("PRI * HTTP/2.0\r\n\r\n")), true);
  assertEquals(isHttp2Preface(encode("PRI * HTTP/2.0\r\nHost: a\r\n\r\n")), false);
  assertEquals(isHttp2Preface(encode(HEAD)), false);
});
