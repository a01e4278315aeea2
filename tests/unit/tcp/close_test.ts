import { assertEquals } from "@std/assert";
import {
  closeWait,
  closing,
  established,
  finWait1,
  finWait2,
  SYN,
  timeWait,
} from "../../support/script.ts";

Deno.test("the program closes first: data still goes to it, then the FIN, and it is over", () => {
  const script = closeWait();
  assertEquals(script.read(), "end");
  script.write(100);
  script.expect("PA 1+100 ack 2").send({ seq: 2, ack: 101 }).expect();
  script.closeWrite().expect("FA 101 ack 2").events();
  script.send({ seq: 2, ack: 102 }).expect().events("ended: finished").over();
});

Deno.test("the owner closes first: data still comes from the program, then its FIN, and TIME-WAIT stays", () => {
  const script = finWait2().send({ seq: 1, data: 100, ack: 2 }).expect("A 2 ack 101");
  assertEquals(script.readAll(), [100, "wait"]);
  script.send({ flags: "FA", seq: 101, ack: 2 }).expect("A 2 ack 102");
  script.events("readable", "ended: finished");
  assertEquals(script.read(), "end");
  assertEquals(script.stack.flowCount, 1);
  script.until(59_999);
  assertEquals(script.stack.flowCount, 1);
  script.until(60_001);
  assertEquals(script.stack.flowCount, 0);
  script.over();
});

Deno.test("FINs that cross: CLOSING, and TIME-WAIT once ours is acknowledged", () => {
  const script = closing().events();
  script.send({ seq: 2, ack: 2 }).expect().events("ended: finished");
  assertEquals(script.stack.flowCount, 1);
  script.over();
});

Deno.test("in CLOSING our FIN goes again until it is acknowledged", () => {
  closing().until(700, "200: FA 1 ack 2", "600: FA 1 ack 2")
    .send({ seq: 2, ack: 2 }).events("ended: finished").over();
});

Deno.test("a FIN that acknowledges ours goes right to TIME-WAIT", () => {
  const script = finWait1().send({ flags: "FA", seq: 1, ack: 2 }).expect("A 2 ack 2");
  script.events("ended: finished").over();
});

Deno.test("in LAST-ACK our FIN goes again until it is acknowledged", () => {
  closeWait().closeWrite().expect("FA 1 ack 2")
    .until(700, "200: FA 1 ack 2", "600: FA 1 ack 2")
    .send({ seq: 2, ack: 2 }).events("ended: finished").over();
});

Deno.test("in LAST-ACK a program that is gone is reset after 120 s: nothing stays", () => {
  const script = closeWait().closeWrite().expect("FA 1 ack 2");
  while (script.stack.flowCount > 0) {
    script.now = script.stack.nextTimeout();
    script.stack.handleTimeout(script.now);
    script.drain();
  }
  script.events("ended: timeout").over();
});

Deno.test("the FIN leaves behind the last byte, in the last segment when it fits", () => {
  const script = established();
  script.write(1460);
  script.closeWrite().expect("PA 1+1460 ack 1", "FA 1461 ack 1");
  const small = established();
  small.write(1459);
  small.closeWrite().expect("FPA 1+1459 ack 1");
});

Deno.test("what is written after the close is dropped", () => {
  const script = finWait1();
  assertEquals(script.write(100), true);
  script.expect();
});

Deno.test("a flow that nobody reads any more ends a minute after our FIN was acknowledged", () => {
  for (const order of ["stop, close", "close, stop"]) {
    const script = established();
    if (order === "stop, close") script.stopReading();
    script.closeWrite().expect("FA 1 ack 1").send({ seq: 1, ack: 2 }).expect();
    if (order === "close, stop") script.stopReading();
    script.until(240_000, "60000: RA 2 ack 1").events("ended: timeout").over();
  }
});

Deno.test("a flow that is still read waits for the program's FIN as long as it takes", () => {
  const script = finWait2().until(3_600_000).send({ flags: "FA", seq: 1, ack: 2 });
  script.expect("A 2 ack 2").events("ended: finished").over();
});

Deno.test("the FIN of the program ends a flow that nobody reads any more", () => {
  const script = established().stopReading().closeWrite().expect("FA 1 ack 1");
  script.send({ flags: "FA", seq: 1, ack: 2 }).expect("A 2 ack 2").events("ended: finished");
  script.over();
});

Deno.test("data for a reader that is gone is answered with a RST", () => {
  const script = established().stopReading().send({ seq: 1, data: 10 });
  script.expect("RA 1 ack 1").events("ended: reset").drops({ "tcp-data-after-close": 1 }).over();
});

Deno.test("data after both directions were closed is answered with a RST", () => {
  finWait2().stopReading().send({ seq: 1, data: 10, ack: 2 }).expect("RA 2 ack 1")
    .events("ended: reset").over();
});

Deno.test("a reader that goes while bytes wait for it resets: they were never read", () => {
  established().send({ seq: 1, data: 10 }).expect("A 1 ack 11").stopReading()
    .expect("RA 1 ack 11").events("ended: reset").over();
});

Deno.test("a FIN again in TIME-WAIT is acknowledged again, and the minute begins anew", () => {
  const script = timeWait().until(50_000).send({ flags: "FA", seq: 1, ack: 2 });
  script.expect("A 2 ack 2").until(100_000);
  assertEquals(script.stack.flowCount, 1);
  script.until(111_000);
  assertEquals(script.stack.flowCount, 0);
});

Deno.test("a SYN beyond the old numbers opens the ports of TIME-WAIT again", () => {
  const script = timeWait().renew(5000).send(SYN).events("request").accept();
  script.expect("SA 0 ack 1 mss 1460").send({ seq: 1, ack: 1 }).events("opened");
  assertEquals(script.stack.flowCount, 1);
});

Deno.test("a SYN with an old number does not, and gets an ACK", () => {
  timeWait().renew(500).send(SYN).events().expect("A 2 ack 502");
});

Deno.test("with timestamps a later one is enough, and an earlier one is not (RFC 6191)", () => {
  const withTimestamps = () =>
    established({}, { ...SYN, timestamps: [100, 0] }).closeWrite()
      .expect("FA 1 ack 1 ts 0/100")
      .send({ flags: "FA", seq: 1, ack: 2, timestamps: [100, 0] })
      .expect("A 2 ack 2 ts 0/100").events("ended: finished");
  withTimestamps().renew(500).send({ ...SYN, timestamps: [101, 0] }).events("request");
  withTimestamps().renew(5000).send({ ...SYN, timestamps: [99, 0] }).events();
});

Deno.test("a RST ends TIME-WAIT without another event", () => {
  timeWait().send({ flags: "R", seq: 2 }).expect().events().over();
});

Deno.test("the oldest flow in TIME-WAIT gives way when there are too many", () => {
  const script = established({ limits: { timeWaits: 1 } });
  const end = (port: number) => {
    script.closeWrite().expect("FA 1 ack 1");
    script.send({ flags: "FA", seq: 1, ack: 2, sourcePort: port }).drain();
    script.events("ended: finished");
  };
  end(40_000);
  script.send({ ...SYN, sourcePort: 40_001 }).events("request").accept();
  script.drain();
  script.send({ seq: 1, ack: 1, sourcePort: 40_001 }).events("opened");
  assertEquals(script.stack.flowCount, 2);
  end(40_001);
  assertEquals(script.stack.flowCount, 1);
});

Deno.test("a reader that goes after the program's FIN resets nothing: all was said", () => {
  const script = established().send({ flags: "FA", seq: 1, data: 10 });
  script.drain();
  script.stopReading().expect().closeWrite();
  assertEquals(script.drain().length, 1);
  script.send({ seq: 12, ack: 2 }).expect().events("ended: finished").over();
});
