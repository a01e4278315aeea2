import { assertEquals, assertThrows } from "@std/assert";
import type { TcpSettings } from "../../src/tcp/settings.ts";
import { newOptions, parseTcpOptions, writeTcpOptions } from "../../src/wire/tcp_options.ts";
import { FRAME_HEADER_LENGTH as FRAME_HEADER } from "../../src/wire/virtio.ts";
import { frameOf, HOSTS, icmpPacket, ipPacket, join, u16, u32 } from "../support/naive_ip.ts";
import { decode, encode } from "../support/naive_packet.ts";
import { established, finWait2, held, type Script, SYN, synReceived } from "../support/script.ts";
import { BLANK, FROM_PROGRAM, Wire } from "./wire.ts";

Deno.test("RFC 9293 MUST-1: a window with its highest bit set is large, not negative", () => {
  for (const [scale, window] of [[undefined, 0x8000], [undefined, 0xffff], [14, 0xffff]] as const) {
    const script = established({}, { ...SYN, scale, window });
    script.write(14_600);
    assertEquals(script.drain().length, 10);
  }
});

Deno.test("RFC 9293 MUST-2: every segment leaves with the sum that a naive twin finds, of any length, whole or left to the device", () => {
  for (const family of [4, 6] as const) {
    for (const offload of [false, true]) {
      const wire = new Wire({ offload }).send(FROM_PROGRAM[family]);
      const [id, iss] = wire.accept();
      wire.send({ ...FROM_PROGRAM[family], flags: "A", seq: 1, ack: (iss + 1) >>> 0 });
      for (let length = 0; length < 70; length++) {
        wire.stack.write(id, new Uint8Array(length).fill(0xff));
        for (const frame of wire.frames()) {
          decode(frame);
          // The twin would notice.
          const at = frame.length - 1;
          const turned = frame.map((byte, i) => i === at ? byte ^ 4 : byte);
          if (!offload) assertThrows(() => decode(turned), Error, "checksum");
        }
      }
    }
  }
});

Deno.test("RFC 9293 MUST-5: an option may stand in any segment, and those of a SYN mean nothing elsewhere", () => {
  const script = established().send({ seq: 1, data: 10, mss: 100, scale: 9, sackOk: true });
  script.expect("A 1 ack 11").send({ seq: 11, mss: 100, scale: 9, window: 2000 });
  script.write(3000);
  script.expect("A 1+1460 ack 11");
});

Deno.test("RFC 9293 MUST-17: nothing waits for an acknowledgment of what went before: there is no Nagle algorithm", () => {
  const script = established();
  for (let at = 1; at < 6; at++) {
    script.write(1);
    script.expect(`PA ${at}+1 ack 1`);
  }
});

Deno.test("RFC 9293 MUST-25: an idle flow sends nothing and has no deadline, however long it is idle", () => {
  const script = established().until(60_000);
  assertEquals(script.stack.nextTimeout(), Infinity);
  script.until(30 * 86_400_000).send({ seq: 1, data: 10 }).expect("A 1 ack 11");
  assertEquals(script.read(), 10);
});

Deno.test("RFC 9293 MUST-30, MUST-31: urgent data of any length stays in line, wherever its pointer points", () => {
  const wire = new Wire().send({});
  const [id, iss] = wire.accept();
  const payload = Uint8Array.from({ length: 1000 }, (_, i) => i);
  let seq = 1;
  for (const pointer of [0, 1, 500, 1000, 1001, 65_535]) {
    const frame = encode({
      ...FROM_PROGRAM[4],
      ...BLANK,
      flags: "AU",
      seq,
      ack: (iss + 1) >>> 0,
      payload,
    });
    point(frame, pointer);
    wire.stack.handlePacket(frame, frame.length, 0);
    seq += payload.length;
    assertEquals(wire.stack.read(id), payload);
    assertEquals(decode(wire.frames().at(-1)!).ack, seq);
  }
  assertEquals([...wire.stack.drops], []);
});

/** Sets the urgent pointer, and the sum along with it. */
function point(frame: Uint8Array, pointer: number): void {
  const view = new DataView(frame.buffer);
  const [sumAt, at] = [FRAME_HEADER + 20 + 16, FRAME_HEADER + 20 + 18];
  const sum = (~view.getUint16(sumAt) & 0xffff) + pointer;
  view.setUint16(sumAt, ~((sum & 0xffff) + (sum >>> 16)));
  view.setUint16(at, pointer);
}

Deno.test("RFC 9293 MUST-40: an ACK is not delayed at all, it leaves with the batch that it answers", () => {
  established().send({ seq: 1, data: 1 }).expect("A 1 ack 2").until(1000);
});

Deno.test("RFC 9293 MUST-41, MUST-42: a port goes on listening while flows to it are held, half open and open", () => {
  const script = held().send({ ...SYN, sourcePort: 1 }).events("request").accept();
  script.expect("SA 0 ack 1 mss 1460").send({ ...SYN, sourcePort: 2 }).events("request");
  script.accept().expect("SA 0 ack 1 mss 1460").send({ seq: 1, ack: 1, sourcePort: 2 });
  script.events("opened").send({ ...SYN, sourcePort: 3 }).events("request").drops();
  assertEquals(script.stack.flowCount, 4);
});

Deno.test("RFC 9293 MUST-45: all that a flow sends comes from the address and port that its SYN went to", () => {
  for (const family of [4, 6] as const) {
    const wire = new Wire().send(FROM_PROGRAM[family]);
    const event = wire.stack.pollEvent();
    const id = event?.type === "request" ? event.id : 0;
    wire.stack.accept(id);
    const frames = wire.frames();
    const ack = (decode(frames[0]).seq + 1) >>> 0;
    wire.send({ ...FROM_PROGRAM[family], flags: "A", seq: 1, ack, payload: new Uint8Array(9) });
    wire.stack.write(id, new Uint8Array(3000));
    frames.push(...wire.frames());
    wire.stack.reset(id);
    frames.push(...wire.frames());
    assertEquals(frames.length >= 4, true);
    for (const frame of frames) {
      const { source, destination, sourcePort, destinationPort } = decode(frame);
      const { source: program, destination: far } = FROM_PROGRAM[family];
      assertEquals([source, destination], [far, program]);
      assertEquals([sourcePort, destinationPort], [443, 40_000]);
    }
  }
});

Deno.test("RFC 9293 MUST-60, MUST-61: what is written leaves at once, and the last segment of it has PSH", () => {
  const script = established({}, { ...SYN, mss: 1000 });
  script.write(2500);
  script.expect("A 1+1000 ack 1", "A 1001+1000 ack 1", "PA 2001+500 ack 1");
});

Deno.test("RFC 9293 MUST-65: no segment but the SYN-ACK says an MSS", () => {
  const script = synReceived().send({ seq: 1, ack: 1 });
  script.write(3000);
  const lines = [...script.drain()];
  script.send({ seq: 1, data: 10, ack: 3001 }).closeWrite();
  lines.push(...script.drain());
  script.stack.reset(script.id);
  lines.push(...script.drain());
  assertEquals(lines.length, 5);
  assertEquals(lines.filter((line) => line.includes("mss")), []);
});

/** A reader that took nothing: the window is closed. */
function fullWindow(): Script {
  const script = established({ limits: { receiveBufferBytes: 1000 } }).send({ seq: 1, data: 1000 });
  return script.expect("A 1 ack 1001 win 0").events();
}

Deno.test("RFC 9293 MUST-66: with its window closed a flow still takes ACKs and RSTs", () => {
  const acked = fullWindow();
  acked.write(100);
  acked.expect("PA 1+100 ack 1001 win 0").send({ seq: 1001, ack: 101 }).expect().until(10_000);
  fullWindow().send({ flags: "R", seq: 1001 }).expect().events("ended: reset").drops();
});

Deno.test("RFC 9293 MUST-66: data on a closed window is not taken, the ACK and the RST that come with it are", () => {
  const script = fullWindow();
  script.write(100);
  script.expect("PA 1+100 ack 1001 win 0").send({ seq: 1001, data: 10, ack: 101 });
  script.expect("A 101 ack 1001 win 0").until(10_000);
  fullWindow().send({ flags: "RA", seq: 1001, data: 10 }).expect().events("ended: reset");
});

Deno.test("RFC 9293 SHLD-2: a RST may come with data", () => {
  established().send({ flags: "RA", seq: 1, data: 30 }).expect().events("ended: reset");
});

Deno.test("RFC 9293 MUST-11: a RST in SYN-RECEIVED leaves the port listening: the next SYN is a request again", () => {
  const script = synReceived().send({ flags: "R", seq: 1 }).expect().events("ended: reset");
  script.renew(77_000).send(SYN).events("request").accept().expect("SA 0 ack 1 mss 1460");
  script.send({ seq: 1, ack: 1 }).events("opened").drops();
});

Deno.test("RFC 9293 3.5, figure 8: an old duplicate SYN is found out by the program, and its real SYN opens the flow", () => {
  const script = synReceived().renew(5_000_000).send(SYN);
  // The number is not the one on hold: the program is told what is known here, and answers as RFC 9293 asks.
  const [challenge] = script.drain();
  assertEquals(challenge, "A 1 ack -4998999");
  script.renew(1000).send({ flags: "R", seq: 1 }).events("ended: reset");
  script.renew(5_000_000).send(SYN).events("request").accept().expect("SA 0 ack 1 mss 1460");
});

Deno.test("RFC 9293 3.5.1, figure 9: a program that was started anew finds the half-open flow, and opens another", () => {
  const script = established().renew(9_000_000).send(SYN);
  assertEquals(script.drain(), ["A 1 ack -8998999"]);
  script.renew(1000).send({ flags: "R", seq: 1 }).events("ended: reset");
  script.renew(9_000_000).send(SYN).events("request").accept().expect("SA 0 ack 1 mss 1460");
});

Deno.test("RFC 9293 3.10.7.4: a FIN in FIN-WAIT-2 that comes with the last data ends the flow with every byte", () => {
  const script = finWait2().send({ flags: "FA", seq: 1, data: 700, ack: 2 }).expect("A 2 ack 702");
  assertEquals(script.readAll(), [700, "end"]);
  script.events("ended: finished").over();
});

Deno.test("RFC 9293 MUST-21: whoever makes a stack says how long a program may be silent, infinity included", () => {
  const patient = established({ tcp: { userTimeoutMs: Infinity } });
  patient.write(100);
  patient.drain();
  let copies = 0;
  while (patient.now < 86_400_000) {
    patient.stack.handleTimeout(patient.now = patient.stack.nextTimeout());
    copies += patient.drain().length;
  }
  assertEquals(copies > 1000, true);
  patient.send({ seq: 1, ack: 101 }).expect().events();
  const hasty = established({ tcp: { userTimeoutMs: 1000 } });
  hasty.write(100);
  hasty.expect("PA 1+100 ack 1");
  const times = [200, 600].map((time) => `${time}: PA 1+100 ack 1`);
  hasty.until(10_000, ...times, "1400: RA 101 ack 1").events("ended: timeout");
});

Deno.test("RFC 9293 MUST-55, MUST-56: Source Quench, Unreachable, Time Exceeded and Parameter Problem about a flow leave it as it is", () => {
  const messages = {
    4: [[4, 0], [3, 0], [3, 1], [3, 2], [3, 3], [3, 5], [11, 0], [11, 1], [12, 0]],
    6: [[1, 0], [1, 3], [1, 4], [3, 0], [3, 1], [4, 0], [4, 1], [4, 2]],
  };
  for (const family of [4, 6] as const) {
    const { program, far } = HOSTS[family];
    const script = established({ family });
    script.write(100);
    script.expect("PA 1+100 ack 1");
    const numbers = [...u32((script.stackIss + 1) >>> 0), ...new Uint8Array(12)];
    const tcp = join([...u16(443), ...u16(40_000)], numbers);
    const quoted = ipPacket({ source: far, destination: program, protocol: 6, payload: tcp });
    for (const [type, code] of messages[family]) {
      const frame = frameOf(icmpPacket(family, type, code, 0, quoted));
      script.stack.handlePacket(frame, frame.length, 0);
    }
    script.expect().events();
    const { size } = script.stack.drops;
    assertEquals(size >= 1, true, "each is counted");
    assertEquals([...script.stack.drops.values()].reduce((a, b) => a + b), messages[family].length);
    script.until(200, "200: PA 1+100 ack 1").send({ seq: 1, ack: 101 }).until(10_000).events();
  }
});

Deno.test("RFC 9293 MUST-64: the same options mean the same behind any number of No-Operations", () => {
  const list = [[2, 4, 5, 0xb4], [3, 3, 7], [4, 2], [8, 10, 0, 0, 1, 0, 0, 0, 0, 0]];
  for (let before = 0; before < 8; before++) {
    const bytes = Uint8Array.from(list.flatMap((each) => [...Array(before).fill(1), ...each]));
    const options = newOptions();
    parseTcpOptions(bytes, 0, bytes.length, options);
    const { mss, windowShift, sackPermitted, timestampValue } = options;
    assertEquals([mss, windowShift, sackPermitted, timestampValue], [1460, 7, true, 256]);
  }
});

Deno.test("RFC 9293 MUST-69: No-Operations pad what is written, so no list ends before its header", () => {
  for (let bits = 0; bits < 16; bits++) {
    const options = newOptions();
    options.mss = bits & 1 ? 0x0505 : -1;
    options.windowShift = bits & 2 ? 9 : -1;
    options.sackPermitted = (bits & 4) !== 0;
    options.hasTimestamps = (bits & 8) !== 0;
    options.timestampValue = options.timestampEcho = 0x09090909;
    const bytes = new Uint8Array(60).fill(0xee);
    const length = writeTcpOptions(bytes, 0, options);
    assertEquals(length % 4, 0);
    assertEquals(bytes[length], 0xee, "nothing is written behind them");
    // No byte of these options is 0: one that is would be an End of List or padding.
    assertEquals(bytes.subarray(0, length).indexOf(0), -1);
  }
});

Deno.test("RFC 9293 MUST-48, MUST-49: whoever makes a stack chooses TTL and code point of its segments", () => {
  const fields = (family: 4 | 6, tcp?: TcpSettings) => {
    const wire = new Wire({ tcp }).send(FROM_PROGRAM[family]);
    const [id] = wire.accept();
    wire.stack.reset(id);
    const [frame] = wire.frames();
    decode(frame);
    const packet = frame.subarray(FRAME_HEADER);
    const word = packet[0] << 8 | packet[1];
    return family === 4 ? [word & 0xff, packet[8]] : [word >>> 4 & 0xff, packet[7]];
  };
  for (const family of [4, 6] as const) {
    assertEquals(fields(family), [0, 64]);
    assertEquals(fields(family, { hopLimit: 255, diffserv: 46 }), [46 << 2, 255]);
    assertEquals(fields(family, { hopLimit: 1, diffserv: 63 }), [63 << 2, 1]);
  }
  for (const hopLimit of [0, 256, 1.5, NaN]) {
    assertThrows(() => new Wire({ tcp: { hopLimit } }), RangeError, `"${hopLimit}"`);
  }
  for (const diffserv of [-1, 64, 0.5]) {
    assertThrows(() => new Wire({ tcp: { diffserv } }), RangeError, `"${diffserv}"`);
  }
});
