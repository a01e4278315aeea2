import { assert, assertEquals } from "@std/assert";
import { concatBytes } from "../../../../src/bytes.ts";
import {
  ERROR,
  FRAME,
  greaseNumber,
  type H3Fault,
  STREAM,
} from "../../../../src/masque/h3/codes.ts";
import { encodeIdFrame, RESET_TUNNEL } from "../../../../src/masque/h3/control_reader.ts";
import type { Field } from "../../../../src/masque/fields/field.ts";
import { encodeFrame } from "../../../../src/masque/h3/frame_reader.ts";
import { readRequest, readResponse } from "../../../../src/masque/h3/message.ts";
import { PeerStreams } from "../../../../src/masque/h3/peer_streams.ts";
import {
  DEFAULT_SETTINGS,
  encodeSettings,
  type H3Settings,
  parseSettings,
} from "../../../../src/masque/h3/settings.ts";
import { seededDice } from "../../random.ts";

const ALL: H3Settings = {
  maxFieldSectionSize: 16_384,
  connectProtocol: true,
  datagrams: true,
  tunnelResets: true,
};

const SETTINGS_FRAME = encodeFrame(FRAME.SETTINGS, encodeSettings(ALL, 3));

function peer(side: "client" | "server" = "client") {
  const said: unknown[] = [];
  const streams = new PeerStreams(side, {
    settings: (settings) => void said.push(settings),
    goaway: (id) => void said.push(["goaway", id]),
    reset: (id) => void said.push(["reset", id]),
  });
  return { streams, said };
}

/** What a control stream with these frames behind SETTINGS says. */
function control(side: "client" | "server", ...frames: Uint8Array[]) {
  const { streams, said } = peer(side);
  const bytes = concatBytes([new Uint8Array([STREAM.CONTROL]), SETTINGS_FRAME, ...frames]);
  const stream = streams.open();
  let fault: "ignore" | H3Fault | undefined;
  for (let at = 0; at < bytes.length && fault === undefined; at++) {
    fault = stream.push(bytes.slice(at, at + 1));
  }
  return { said: said.slice(1), code: typeof fault === "object" ? fault.code : fault };
}

Deno.test("Settings survive the round trip beside a greased one, and unsaid ones have their defaults", () => {
  assertEquals(parseSettings(encodeSettings(ALL, 12)), ALL);
  assertEquals(parseSettings(encodeSettings(DEFAULT_SETTINGS, 0)), DEFAULT_SETTINGS);
  assertEquals(parseSettings(new Uint8Array(0)), DEFAULT_SETTINGS);
  const [first] = encodeSettings(DEFAULT_SETTINGS, 0);
  assertEquals(first, greaseNumber(0));
});

Deno.test("Settings that are doubled, of HTTP/2, cut off or out of range are faults", () => {
  const codeOf = (...bytes: number[]) => {
    const settings = parseSettings(new Uint8Array(bytes));
    return "code" in settings ? settings.code : 0;
  };
  assertEquals(codeOf(0x21, 0, 0x21, 0), ERROR.SETTINGS_ERROR);
  for (const id of [2, 3, 4, 5]) assertEquals(codeOf(id, 1), ERROR.SETTINGS_ERROR);
  assertEquals(codeOf(0x8, 2), ERROR.SETTINGS_ERROR);
  assertEquals(codeOf(0x33, 2), ERROR.SETTINGS_ERROR);
  assertEquals(codeOf(0x6), ERROR.FRAME_ERROR);
  assertEquals(codeOf(0x6, 0x40), ERROR.FRAME_ERROR);
  assertEquals(codeOf(0x6, 0x40, 0x40, 0x1, 0x40, 0x50, 0x7, 0x9), 0);
  const many = Array.from({ length: 65 }, (_, i) => [0x80, 0, 1, i, 0]).flat();
  assertEquals(codeOf(...many), ERROR.SETTINGS_ERROR);
});

Deno.test("A control stream gives settings, GOAWAY and broken tunnels, byte by byte, and skips what it does not know", () => {
  const { said, code } = control(
    "client",
    encodeFrame(greaseNumber(9), new Uint8Array(33)),
    encodeIdFrame(FRAME.GOAWAY, 2 ** 40),
    encodeIdFrame(RESET_TUNNEL, 8),
    encodeIdFrame(FRAME.GOAWAY, 12),
  );
  assertEquals(code, undefined);
  assertEquals(said, [["goaway", 2 ** 40], ["reset", 8], ["goaway", 12]]);
});

Deno.test("The largest id of a GOAWAY, with which gentle servers begin, is taken", () => {
  const largest = new Uint8Array([FRAME.GOAWAY, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc]);
  assertEquals(control("client", largest).said, [["goaway", Infinity]]);
});

Deno.test("What must not stand on a control stream is a fault of the connection", () => {
  const frame = (type: number, ...payload: number[]) => encodeFrame(type, new Uint8Array(payload));
  assertEquals(control("client", SETTINGS_FRAME).code, ERROR.FRAME_UNEXPECTED);
  assertEquals(control("client", frame(FRAME.DATA, 1)).code, ERROR.FRAME_UNEXPECTED);
  assertEquals(control("client", frame(FRAME.HEADERS)).code, ERROR.FRAME_UNEXPECTED);
  assertEquals(control("client", frame(FRAME.MAX_PUSH_ID, 1)).code, ERROR.FRAME_UNEXPECTED);
  assertEquals(control("client", frame(FRAME.GOAWAY, 5)).code, ERROR.ID_ERROR);
  assertEquals(control("client", frame(FRAME.GOAWAY, 4, 4)).code, ERROR.FRAME_ERROR);
  assertEquals(control("client", frame(FRAME.GOAWAY)).code, ERROR.FRAME_ERROR);
  assertEquals(
    control("client", frame(FRAME.GOAWAY, 4), frame(FRAME.GOAWAY, 8)).code,
    ERROR.ID_ERROR,
  );
  assertEquals(control("server", frame(FRAME.CANCEL_PUSH, 0)).code, ERROR.ID_ERROR);
  assertEquals(control("server", frame(FRAME.MAX_PUSH_ID, 9)).code, undefined);
  assertEquals(
    control("server", frame(FRAME.MAX_PUSH_ID, 9), frame(FRAME.MAX_PUSH_ID, 8)).code,
    ERROR.ID_ERROR,
  );
  assertEquals(control("server", frame(2, 1)).code, ERROR.FRAME_UNEXPECTED);
});

Deno.test("A control stream begins with SETTINGS, is the only one, and stays", () => {
  const { streams } = peer();
  const first = streams.open();
  const wrong = first.push(new Uint8Array([STREAM.CONTROL, FRAME.GOAWAY, 1, 0]));
  assertEquals(wrong, {
    code: ERROR.MISSING_SETTINGS,
    reason: "its control stream begins without SETTINGS",
  });
  const second = streams.open().push(new Uint8Array([STREAM.CONTROL]));
  assert(typeof second === "object" && second.code === ERROR.STREAM_CREATION_ERROR);
  assertEquals(first.end()?.code, ERROR.CLOSED_CRITICAL_STREAM);
});

Deno.test("Streams of unknown types are ignored, and so is one that ends before it says its type", () => {
  const { streams } = peer();
  const grease = new Uint8Array([0x40, greaseNumber(1), 1, 2, 3]);
  assertEquals(streams.open().push(grease), "ignore");
  assertEquals(streams.open().end(), undefined);
  const push = streams.open().push(new Uint8Array([STREAM.PUSH, 0]));
  assert(typeof push === "object" && push.code === ERROR.ID_ERROR);
});

Deno.test("Garbage on unidirectional streams gives a typed fault at worst", () => {
  const dice = seededDice(3);
  for (let i = 0; i < 3_000; i++) {
    const { streams } = peer(dice.pick(["client", "server"]));
    const stream = streams.open();
    stream.push(concatBytes([new Uint8Array([dice.int(4)]), dice.int(2) ? SETTINGS_FRAME : []].map(
      (part) => new Uint8Array(part),
    )));
    const fault = stream.push(dice.bytes(dice.int(40)));
    if (typeof fault === "object") assert(/^its? /.test(fault.reason));
  }
});

Deno.test("A CONNECT has a method and an authority, an extended one all five, a GET no protocol", () => {
  const connect: Field[] = [[":method", "CONNECT"], [":authority", "a:1"], ["x", "1"], ["x", "2"]];
  const plain = readRequest(connect);
  assert(!("code" in plain));
  assertEquals([plain.method, plain.authority, plain.fields.get("x")], ["CONNECT", "a:1", "1, 2"]);
  const rest: Field[] = [[":scheme", "https"], [":authority", "p"], [":path", "/"]];
  const extended = readRequest([[":method", "CONNECT"], [":protocol", "connect-udp"], ...rest]);
  assert(!("code" in extended) && extended.protocol === "connect-udp" && extended.path === "/");
  const wrong: Field[][] = [
    [],
    rest,
    [[":method", "CONNECT"], ...rest],
    [[":method", "CONNECT"], [":protocol", "x"], [":authority", "p"]],
    [[":method", "GET"], [":protocol", "x"], ...rest],
    [["x", "1"], ...connect],
    [...connect.slice(0, 2), [":method", "CONNECT"]],
    [...connect, ["Upper", "1"]],
    [...connect, ["connection", "close"]],
    [...connect, ["x", "a\nb"]],
    [...connect, ["x", " a"]],
    [...connect, [":status", "200"]],
  ];
  for (const fields of wrong) {
    const read = readRequest(fields);
    assert("code" in read && read.code === ERROR.MESSAGE_ERROR && read.isOfStream);
  }
});

Deno.test("An answer has one status of three digits that is not 101", () => {
  const read = readResponse([[":status", "200"], ["a", "b"]]);
  assertEquals(read, { status: 200, fields: [["a", "b"]] });
  for (const status of ["101", "20", "2000", "0200", "abc", ""]) {
    assert("code" in readResponse([[":status", status]]), status);
  }
  assert("code" in readResponse([]));
  assert("code" in readResponse([[":status", "200"], [":status", "200"]]));
});
