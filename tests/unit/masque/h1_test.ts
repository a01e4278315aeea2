import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { encodeConnect } from "../../../src/masque/h1_request.ts";
import { type HeadProgress, ResponseHeadParser } from "../../../src/masque/h1_response.ts";

/** One byte a character. */
function bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function parse(text: string, step = text.length, maxBytes?: number): HeadProgress {
  const parser = new ResponseHeadParser({ maxBytes });
  const input = bytes(text);
  let progress: HeadProgress = { state: "more" };
  for (let at = 0; at < input.length && progress.state === "more"; at += step) {
    progress = parser.push(input.slice(at, at + step));
  }
  return progress;
}

const OK = "HTTP/1.1 200 Connection established\r\nVia: 1.1 x\r\nEmpty:\r\nPad: \t a b \t\r\n\r\n";

Deno.test("A CONNECT carries its target twice and the fields as given", () => {
  const text = new TextDecoder().decode(encodeConnect("[::1]:80", [["X-A", "b c"]]));
  assertEquals(text, "CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\nX-A: b c\r\n\r\n");
});

Deno.test("What could end a line of the request is refused, and the value is not repeated", () => {
  for (const authority of ["", "a b:1", "a:1\r\nX: y", "a:1\n", "\u00fc:1"]) {
    assertThrows(() => encodeConnect(authority, []), TypeError);
  }
  const bad: [string, string][] = [
    ["", "x"],
    ["a b", "x"],
    ["a:", "x"],
    ["a\r\n", "x"],
    ["a", "hush\r\nb: c"],
    ["a", "hush\n"],
    ["a", "hush\0"],
    ["a", "hush\u0100"],
    ["Host", "hush"],
    ["content-LENGTH", "5"],
    ["Transfer-Encoding", "chunked"],
    ["connection", "close"],
  ];
  for (const field of bad) {
    const error = assertThrows(() => encodeConnect("a:1", [field]), TypeError);
    assert(!error.message.includes("hush"), error.message);
  }
});

Deno.test("A head reads the same whole, in pieces and byte by byte, and what follows is kept", () => {
  for (const step of [1, 2, 3, 7, 1000]) {
    const parser = new ResponseHeadParser();
    const input = bytes(OK + "\0\x01tunnel");
    const rest: number[] = [];
    let head;
    for (let at = 0; at < input.length; at += step) {
      const piece = input.slice(at, at + step);
      if (head !== undefined) {
        rest.push(...piece);
        continue;
      }
      const progress = parser.push(piece);
      assert(progress.state !== "error");
      if (progress.state === "done") {
        head = progress.head;
        rest.push(...progress.rest);
      }
    }
    assertEquals(head?.status, 200);
    assertEquals(head?.fields, [["via", "1.1 x"], ["empty", ""], ["pad", "a b"]]);
    assertEquals(rest, [...bytes("\0\x01tunnel")]);
  }
});

Deno.test("A head cut at any length wants more", () => {
  for (let length = 1; length < OK.length; length++) {
    assertEquals(parse(OK.slice(0, length)), { state: "more" });
  }
});

Deno.test("Informational heads are passed over, 101 is an error", () => {
  const early = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 \r\n\r\n";
  const progress = parse(early + OK, 1);
  assert(progress.state === "done");
  assertEquals(progress.head.fields[0], ["via", "1.1 x"]);
  assertEquals(parse("HTTP/1.1 101 Switching Protocols\r\n\r\n").state, "error");
});

Deno.test("Old and terse proxies are understood", () => {
  for (const line of ["HTTP/1.0 200 ok", "HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.1 200 \xfc\t!"]) {
    const progress = parse(`${line}\r\n\r\n`);
    assert(progress.state === "done", line);
    assertEquals(progress.head.status, 200);
  }
});

Deno.test("After a 2xx the framing fields mean nothing", () => {
  const progress = parse("HTTP/1.1 200 x\r\nContent-Length: 1\r\nTransfer-Encoding: x\r\n\r\nabc");
  assert(progress.state === "done");
  assertEquals(progress.rest, bytes("abc"));
});

Deno.test("What two readers could take differently is an error", () => {
  const bad = [
    "HTTP/1.1 200 OK\n\n",
    "HTTP/1.1 200 OK\r\nA: b\n\r\n",
    "HTTP/1.1 200 OK\r\nA: b\r\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
    "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n",
    "HTTP/1.1  200 OK\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1 2000\r\n\r\n",
    "HTTP/1.1 200OK\r\n\r\n",
    "HTTP/2 200 OK\r\n\r\n",
    "ICY 200 OK\r\n\r\n",
    "\r\nHTTP/1.1 200 OK\r\n\r\n",
    "\x15\x03\x01\x00\x02\x02\x0a",
  ];
  for (const text of bad) {
    for (const step of [1, text.length]) assertEquals(parse(text, step).state, "error", text);
  }
});

Deno.test("The head is bounded, over all informational ones together", () => {
  const long = "HTTP/1.1 200 OK\r\nA: " + "b".repeat(20_000);
  assertEquals(parse(long, 1000).state, "error");
  const hints = "HTTP/1.1 103 x\r\n\r\n".repeat(2_000);
  const progress = parse(hints, 1000);
  assert(progress.state === "error");
  assertMatch(progress.reason, /longer than 16384 bytes/);
  assertEquals(parse(OK, 1, OK.length).state, "done");
  assertEquals(parse(OK, 1, OK.length - 1).state, "error");
});

Deno.test("A line of spaces costs no more than its length", () => {
  assertEquals(parse(`HTTP/1.1 200 OK\r\nA:${" ".repeat(16_000)}\0\r\n`).state, "error");
});
