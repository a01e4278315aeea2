import { assertEquals } from "@std/assert";
import { established, held, Script, SYN, synReceived } from "../../support/script.ts";

Deno.test("a SYN is a request, and the SYN-ACK leaves only when it is accepted", () => {
  new Script().send(SYN).expect().events("request").accept()
    .expect("SA 0 ack 1 mss 1460")
    .send({ seq: 1, ack: 1 }).events("opened").expect().drops();
});

Deno.test("a SYN over IPv6 is answered with the MSS that its longer header leaves", () => {
  held({ family: 6 }).accept().expect("SA 0 ack 1 mss 1440");
});

Deno.test("options are answered only when they were offered", () => {
  const answer = (syn: object) => held({}, { flags: "S", seq: 0, ...syn }).accept().drain();
  assertEquals(answer({}), ["SA 0 ack 1 mss 1460"]);
  assertEquals(answer({ sackOk: true }), ["SA 0 ack 1 mss 1460 sackOk"]);
  assertEquals(answer({ scale: 7 }), ["SA 0 ack 1 mss 1460 scale 8"]);
  assertEquals(answer({ timestamps: [500, 0] }), ["SA 0 ack 1 mss 1460 ts 0/500"]);
  assertEquals(
    answer({ mss: 1400, sackOk: true, scale: 2, timestamps: [7, 0] }),
    ["SA 0 ack 1 mss 1460 scale 8 sackOk ts 0/7"],
  );
});

Deno.test("a segment carries what both the MSS of the program and the own one allow", () => {
  const first = (mtu: number, mss: number | undefined, family: 4 | 6 = 4) => {
    const script = established({ mtu, family }, { flags: "S", seq: 0, mss });
    script.write(10_000);
    return script.drain()[0];
  };
  assertEquals(first(1500, 1460), "A 1+1460 ack 1");
  assertEquals(first(1500, 1000), "A 1+1000 ack 1");
  assertEquals(first(1400, 1460), "A 1+1360 ack 1");
  // RFC 9293, MUST-15: a peer that names no MSS takes 536 bytes over IPv4, 1220 over IPv6.
  assertEquals(first(1500, undefined), "A 1+536 ack 1");
  assertEquals(first(1500, undefined, 6), "A 1+1220 ack 1");
});

Deno.test("timestamps take their twelve bytes out of each segment", () => {
  const script = established({}, { ...SYN, timestamps: [500, 0] });
  script.write(3000);
  assertEquals(script.drain()[0], "A 1+1448 ack 1 ts 0/500");
});

Deno.test("an absurd MSS is not obeyed: a segment carries more than its options", () => {
  for (const mss of [0, 1, 11, 12, 40]) {
    const script = established({}, { flags: "S", seq: 0, mss, sackOk: true, timestamps: [1, 0] });
    script.write(200);
    script.send({ seq: 100, data: 10, timestamps: [1, 0] });
    const sent = script.drain().map((line) => Number(/\+(\d+)/.exec(line)?.[1] ?? 0));
    assertEquals(sent.every((bytes) => bytes >= 8), true, `${sent} with an MSS of ${mss}`);
    assertEquals(sent.reduce((a, b) => a + b), 200);
  }
});

Deno.test("the window of a SYN is not scaled, that of every other segment is", () => {
  const script = established({}, { ...SYN, scale: 4, window: 1000 });
  script.write(20_000);
  // 1000 << 4 is what the ACK of the handshake allows; ten segments are the initial window.
  assertEquals(script.drain().length, 10);
  const plain = established({}, { ...SYN, window: 1000 });
  plain.write(20_000);
  assertEquals(plain.drain(), ["A 1+1000 ack 1"]);
});

Deno.test("the own window is scaled by eight bits when the program scales too", () => {
  established({}, { ...SYN, scale: 0 }).send({ seq: 1, data: 512 }).expect("A 1 ack 513 win 4094");
  established().send({ seq: 1, data: 512 }).expect("A 1 ack 513");
});

Deno.test("a shift above 14 is taken as 14", () => {
  const script = established({}, { ...SYN, scale: 200, window: 1 });
  script.write(16_385);
  assertEquals(script.drain().length, 10);
  script.send({ seq: 1, window: 1 });
  script.drain();
  script.send({ seq: 1, window: 1 }).until(script.now);
});

Deno.test("a SYN that comes again while it is held is ignored", () => {
  held().send(SYN).send(SYN).events().expect().drops({ "tcp-syn-while-held": 2 })
    .accept().expect("SA 0 ack 1 mss 1460").drops({ "tcp-syn-while-held": 2 });
});

Deno.test("an ACK while the SYN is held is ignored", () => {
  held().send({ seq: 1 }).expect().drops({ "tcp-segment-while-held": 1 });
});

Deno.test("a RST while the SYN is held cancels the request", () => {
  for (const seq of [0, 1]) {
    const script = held().send({ flags: "R", seq }).expect().events("ended: reset");
    assertEquals(script.stack.accept(script.id), false);
    script.expect().over();
  }
});

Deno.test("a RST that is not of this SYN cancels nothing", () => {
  held().send({ flags: "R", seq: 2 }).events().drops({ "tcp-reset-out-of-window": 1 })
    .accept().expect("SA 0 ack 1 mss 1460");
});

Deno.test("a request that nobody answers ends with host unreachable", () => {
  held().until(59_999).until(60_000, "60000: ICMP 3/1").events("ended: reset").over();
  held({ family: 6 }).until(60_000, "60000: ICMP 1/3").events("ended: reset").over();
});

Deno.test("a refusal is the RST of a closed port or the ICMP error of a router", () => {
  const refuse = (refusal: Parameters<Script["stack"]["refuse"]>[1], family: 4 | 6 = 4) => {
    const script = held({ family });
    script.stack.refuse(script.id, refusal);
    const lines = script.drain();
    script.events("ended: reset").over();
    return lines;
  };
  assertEquals(refuse("reset"), ["RA 0 ack 1"]);
  assertEquals(refuse("host-unreachable"), ["ICMP 3/1"]);
  assertEquals(refuse("network-unreachable"), ["ICMP 3/0"]);
  assertEquals(refuse("prohibited"), ["ICMP 3/13"]);
  assertEquals(refuse("host-unreachable", 6), ["ICMP 1/3"]);
  assertEquals(refuse("prohibited", 6), ["ICMP 1/1"]);
});

Deno.test("a SYN-ACK that gets no answer is repeated with doubled pauses, and given up with a RST after 63 s", () => {
  synReceived().until(
    240_000,
    "1000: SA 0 ack 1 mss 1460",
    "3000: SA 0 ack 1 mss 1460",
    "7000: SA 0 ack 1 mss 1460",
    "15000: SA 0 ack 1 mss 1460",
    "31000: SA 0 ack 1 mss 1460",
    "63000: RA 1 ack 1",
  ).events("ended: timeout").over();
});

Deno.test("the 63 s of a handshake count from the SYN-ACK, however long the SYN was held", () => {
  const script = held().until(50_000).accept().expect("SA 0 ack 1 mss 1460");
  script.until(
    80_000,
    "51000: SA 0 ack 1 mss 1460",
    "53000: SA 0 ack 1 mss 1460",
    "57000: SA 0 ack 1 mss 1460",
    "65000: SA 0 ack 1 mss 1460",
  ).send({ seq: 1 }).events("opened");
});

Deno.test("a SYN again after the SYN-ACK means that this was lost: it is sent again at once", () => {
  synReceived().until(500).send(SYN).expect("SA 0 ack 1 mss 1460").drops({ "tcp-syn-again": 1 })
    .send({ seq: 1 }).events("opened");
});

Deno.test("data in a SYN is not acknowledged: the program sends it again", () => {
  const script = held({}, { ...SYN, data: 100 }).accept().expect("SA 0 ack 1 mss 1460")
    .send({ seq: 1, data: 100 }).events("opened").expect("A 1 ack 101");
  assertEquals(script.read(), 100);
});

Deno.test("the ACK of the handshake may carry data, and even the FIN", () => {
  const script = synReceived().send({ flags: "FA", seq: 1, data: 10 }).events("opened");
  script.expect("A 1 ack 12");
  assertEquals(script.read(), 10);
  assertEquals(script.read(), "end");
});

Deno.test("an ACK of a SYN-ACK that was never sent gets a RST with its own number", () => {
  synReceived().send({ seq: 1, ack: 2 }).expect("R 2").events()
    .send({ seq: 1, ack: 0 }).expect("R 0").events()
    .send({ seq: 1, ack: 1 }).events("opened");
});

Deno.test("a RST after the SYN-ACK ends the flow", () => {
  synReceived().send({ flags: "R", seq: 1 }).expect().events("ended: reset").over();
});

Deno.test("what the owner writes before the handshake is complete follows it", () => {
  const script = synReceived();
  script.write(100);
  script.expect().closeWrite().expect()
    .send({ seq: 1, ack: 1 }).events("opened").expect("FPA 1+100 ack 1");
});

Deno.test("initial sequence numbers differ by tuple and by secret, and grow with time", () => {
  const iss = (options: ConstructorParameters<typeof Script>[0], port: number) => {
    const script = new Script(options);
    script.send({ ...SYN, sourcePort: port }).events("request").accept();
    const frame = new Uint8Array(70_000);
    script.stack.pollPacket(frame, script.now);
    return new DataView(frame.buffer).getUint32(10 + 20 + 4);
  };
  const base = iss({}, 40_000);
  assertEquals(iss({}, 40_000), base);
  assertEquals(iss({}, 40_001) === base, false);
  assertEquals(iss({ secret: new Uint8Array(16).fill(1) }, 40_000) === base, false);
  // RFC 9293, section 3.4.1: a clock of 4 microseconds.
  assertEquals((iss({ startAt: 1000 }, 40_000) - base) >>> 0, 250_000);
});
