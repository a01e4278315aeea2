import { assertEquals } from "@std/assert";
import {
  closeWait,
  established,
  finWait2,
  held,
  Script,
  SYN,
  synReceived,
} from "../../support/script.ts";

Deno.test("a RST with the very next number ends the flow", () => {
  const script = established();
  assertEquals(script.read(), "wait");
  script.send({ flags: "R", seq: 1 }).expect().events("readable", "ended: reset");
  assertEquals(script.read(), "reset");
  script.over();
});

Deno.test("a RST elsewhere in the window is challenged (RFC 5961, section 3.2)", () => {
  established().send({ flags: "R", seq: 2 }).expect("A 1 ack 1").events()
    .drops({ "tcp-reset-not-exact": 1 })
    // An honest program answers the challenge with the exact number.
    .send({ flags: "R", seq: 1 }).events("ended: reset").over();
});

Deno.test("a RST outside of the window is dropped without a word", () => {
  established().send({ flags: "R", seq: 70_000 }).send({ flags: "R", seq: 0 }).expect().events()
    .drops({ "tcp-reset-out-of-window": 2 });
});

Deno.test("challenges are throttled", () => {
  established().send({ flags: "R", seq: 2 }).expect("A 1 ack 1")
    .until(499).send({ flags: "R", seq: 2 }).expect()
    .until(500).send({ flags: "R", seq: 2 }).expect("A 1 ack 1");
});

Deno.test("a SYN in an open flow is challenged, wherever it lies (RFC 5961, section 4)", () => {
  for (const seq of [0, 1, 100, 1_000_000]) {
    established().send({ ...SYN, seq }).expect("A 1 ack 1").events();
  }
});

Deno.test("a SYN without timestamps in a flow with them is challenged as well", () => {
  established({}, { ...SYN, timestamps: [5, 0] }).send({ ...SYN, seq: 777 })
    .expect("A 1 ack 1 ts 0/5").events();
});

Deno.test("an ACK of what was never sent is challenged and changes nothing", () => {
  const script = established();
  script.write(100);
  script.expect("PA 1+100 ack 1").send({ seq: 1, ack: 102 }).expect("A 101 ack 1")
    .drops({ "tcp-ack-unacceptable": 1 }).until(200, "200: PA 1+100 ack 1");
});

Deno.test("data behind an ACK of what was never sent is not taken", () => {
  const script = established().send({ seq: 1, data: 10, ack: 5 }).expect("A 1 ack 1");
  assertEquals(script.read(), "wait");
});

Deno.test("an ACK older than the largest window is challenged (RFC 5961, section 5)", () => {
  const script = established({}, { ...SYN, window: 1000 });
  for (let i = 0; i < 5; i++) {
    script.write(1000);
    script.drain();
    script.send({ seq: 1, ack: 1001 + 1000 * i, window: 1000 });
  }
  script.send({ seq: 1, data: 10, ack: 4001, window: 1000 }).expect("A 5001 ack 11");
  script.send({ seq: 11, data: 10, ack: 4000, window: 1000 }).expect("A 5001 ack 11")
    .drops({ "tcp-ack-unacceptable": 1 });
});

Deno.test("a segment without ACK is dropped", () => {
  const script = established().send({ flags: "", seq: 1, data: 10 }).expect();
  assertEquals(script.read(), "wait");
  script.drops({ "tcp-no-ack": 1 });
});

Deno.test("a RST keeps the bytes readable that came before it", () => {
  const script = established().send({ seq: 1, data: 100 }).send({ flags: "R", seq: 101 });
  script.expect().events("ended: reset");
  assertEquals(script.readAll(), [100, "reset"]);
  script.over();
});

Deno.test("the owner's reset is a RST with the next number, and throws away what waited to be sent", () => {
  const script = established({}, { ...SYN, window: 100 });
  script.write(1000);
  script.expect("A 1+100 ack 1");
  script.stack.reset(script.id);
  script.expect("RA 101 ack 1").events("ended: reset").over();
});

Deno.test("the owner may reset in every state", () => {
  const reset = (script: Script) => {
    script.stack.reset(script.id);
    const lines = script.drain();
    script.events("ended: reset").over();
    return lines;
  };
  assertEquals(reset(held()), ["RA 0 ack 1"]);
  assertEquals(reset(synReceived()), ["RA 1 ack 1"]);
  assertEquals(reset(closeWait()), ["RA 1 ack 2"]);
  assertEquals(reset(finWait2()), ["RA 2 ack 1"]);
});

Deno.test("commands to a flow that is gone do nothing", () => {
  const script = established().send({ flags: "R", seq: 1 }).expect().events("ended: reset");
  assertEquals(script.write(10), true);
  script.closeWrite().stopReading().accept().expect();
  script.stack.reset(script.id);
  script.stack.refuse(script.id, "reset");
  assertEquals(script.read(), "reset");
  script.expect().over();
});

Deno.test("a segment of no flow gets a RST with the right numbers (RFC 9293, section 3.10.7.1)", () => {
  new Script().send({ seq: 7, ack: 5, data: 10 }).expect("R 5")
    .send({ flags: "FA", seq: 7, ack: 5 }).expect("R 5")
    .send({ flags: "SA", seq: 7, ack: 5 }).expect("R 5")
    .send({ flags: "F", seq: 7, data: 10 }).expect("RA 0 ack 18")
    .send({ flags: "", seq: 7 }).expect("RA 0 ack 7")
    .drops({ "tcp-without-flow": 5 }).events();
});

Deno.test("a RST of no flow gets nothing", () => {
  new Script().send({ flags: "R", seq: 7 }).send({ flags: "RA", seq: 7 }).send({ flags: "SR" })
    .expect().events().drops({ "tcp-reset-without-flow": 3 });
});

Deno.test("a segment of a flow that is over gets the RST of a stranger", () => {
  established().send({ flags: "R", seq: 1 }).events("ended: reset").expect()
    .send({ seq: 1, ack: 1, data: 10 }).expect("R 1");
});
