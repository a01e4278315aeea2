import { assertEquals } from "@std/assert";
import { closeWait, established, type Script, SYN } from "../../support/script.ts";

/** The program's window is closed, and 100 bytes wait. */
function closedWindow(): Script {
  const script = established({}, { ...SYN, window: 1000 });
  script.write(1000);
  script.expect("PA 1+1000 ack 1").send({ seq: 1, ack: 1001, window: 0 });
  script.write(100);
  return script.expect();
}

Deno.test("a closed window is probed with one byte and doubled pauses, and opening it lets the rest go", () => {
  closedWindow().until(200, "200: A 1001+1 ack 1")
    .send({ seq: 1, ack: 1001, window: 0 }).until(600, "600: A 1001+1 ack 1")
    .send({ seq: 1, ack: 1001, window: 0 }).until(1400, "1400: A 1001+1 ack 1")
    .send({ seq: 1, ack: 1001, window: 0 }).until(1500)
    .send({ seq: 1, ack: 1001, window: 500 }).expect("A 1001+1 ack 1", "PA 1002+99 ack 1")
    .send({ seq: 1, ack: 1101 }).expect().until(10_000);
});

Deno.test("a probe that the program takes is not sent again", () => {
  closedWindow().until(200, "200: A 1001+1 ack 1")
    .send({ seq: 1, ack: 1002, window: 0 }).until(600, "600: A 1002+1 ack 1")
    .send({ seq: 1, ack: 1003, window: 500 }).expect("PA 1003+98 ack 1")
    .send({ seq: 1, ack: 1101 }).expect().until(10_000);
});

Deno.test("probing goes on without end while the program answers", () => {
  const script = closedWindow();
  let probes = 0;
  for (let at = 100; at < 3_600_000; at += 100) {
    script.now = at;
    script.stack.handleTimeout(at);
    const lines = script.drain();
    probes += lines.length;
    if (lines.length > 0) script.send({ seq: 1, ack: 1001, window: 0 });
  }
  assertEquals(probes > 60, true);
  script.send({ seq: 1, ack: 1001, window: 500 }).expect("A 1001+1 ack 1", "PA 1002+99 ack 1");
});

Deno.test("a program that answers no probe for 120 s is reset", () => {
  const script = closedWindow();
  const lines: string[] = [];
  while (script.stack.flowCount > 0) {
    script.now = script.stack.nextTimeout();
    script.stack.handleTimeout(script.now);
    lines.push(...script.drain());
  }
  assertEquals(lines.slice(0, -1).every((line) => line === "A 1001+1 ack 1"), true);
  assertEquals(lines.at(-1), "RA 1002 ack 1");
  assertEquals(script.now >= 120_000 && script.now < 190_000, true, `${script.now}`);
  script.events("ended: timeout");
});

Deno.test("a FIN behind a closed window is the probe", () => {
  const script = established({}, { ...SYN, window: 1000 });
  script.write(1000);
  script.expect("PA 1+1000 ack 1").send({ seq: 1, ack: 1001, window: 0 }).closeWrite().expect();
  script.until(200, "200: FA 1001 ack 1").send({ seq: 1, ack: 1002, window: 0 }).until(10_000);
});

Deno.test("a window update that was lost is found by the probe", () => {
  closedWindow().until(200, "200: A 1001+1 ack 1")
    .send({ seq: 1, ack: 1002, window: 8000 }).expect("PA 1002+99 ack 1");
});

Deno.test("a window that is shrunk takes nothing back: what is out is repeated, nothing new goes", () => {
  const script = established({}, { ...SYN, mss: 1000, window: 4000 });
  script.write(8000);
  assertEquals(script.drain().length, 4);
  script.until(10).send({ seq: 1, ack: 1001, window: 500 }).expect();
  script.until(220, "210: A 1001+1000 ack 1").send({ seq: 1, ack: 4001, window: 3000 });
  assertEquals(script.drain().length, 3);
});

Deno.test("a window that is shrunk to nothing and opened again gets what was thrown away at once", () => {
  const script = established({}, { ...SYN, mss: 1000, window: 4000 });
  script.write(4000);
  assertEquals(script.drain().length, 4);
  script.until(10).send({ seq: 1, ack: 1001, window: 0 }).expect();
  script.until(1600, "210: A 1001+1000 ack 1", "610: A 1001+1000 ack 1", "1410: A 1001+1000 ack 1");
  script.send({ seq: 1, ack: 1001, window: 4000 }).expect("A 1001+1000 ack 1");
});

Deno.test("no small segments: what does not fill one waits for a window that takes it", () => {
  const script = established({}, { ...SYN, mss: 1000, window: 3000 });
  script.write(5000);
  assertEquals(script.drain().length, 3);
  script.send({ seq: 1, ack: 3001, window: 400 }).expect();
  // Half of the largest window ever offered is worth a segment (RFC 9293, section 3.8.6.2.1).
  script.send({ seq: 1, ack: 3001, window: 999 }).expect();
  script.send({ seq: 1, ack: 3001, window: 1500 }).expect("A 3001+1000 ack 1");
});

Deno.test("half of a small buffer is worth a segment", () => {
  const script = established({}, { ...SYN, mss: 1000, window: 600 });
  script.write(5000);
  script.expect("A 1+600 ack 1").send({ seq: 1, ack: 601, window: 299 }).expect()
    .send({ seq: 1, ack: 601, window: 300 }).expect("A 601+300 ack 1");
});

Deno.test("the last bytes go even when they are few", () => {
  const script = established({}, { ...SYN, mss: 1000, window: 3000 });
  script.write(2100);
  script.expect("A 1+1000 ack 1", "A 1001+1000 ack 1", "PA 2001+100 ack 1");
});

Deno.test("a window that stays small is filled once the override timer has run", () => {
  const script = established({}, { ...SYN, mss: 1000, window: 3000 });
  script.write(3000);
  assertEquals(script.drain().length, 3);
  script.write(2000);
  script.send({ seq: 1, ack: 3001, window: 400 }).expect()
    .until(200, "200: A 3001+400 ack 1").send({ seq: 1, ack: 3401, window: 400 }).expect()
    .until(400, "400: A 3401+400 ack 1").send({ seq: 1, ack: 3801, window: 400 })
    .until(600, "600: A 3801+400 ack 1");
});

Deno.test("an ACK that is older than the last says nothing of the window", () => {
  const script = established({}, { ...SYN, mss: 1000, window: 2000 });
  script.write(9000);
  assertEquals(script.drain().length, 2);
  script.send({ seq: 11, data: 10, ack: 2001, window: 1000 });
  script.expect("A 2001+1000 ack 1");
  // A later segment of the program with an older ACK: 1001 + 2000 is where the window ends, not 2001 + 2000.
  script.send({ seq: 21, data: 10, ack: 1001, window: 2000 }).expect("A 3001 ack 1");
});

Deno.test("an ACK that comes with an old segment moves the window along, not beyond its end", () => {
  const script = established({}, { ...SYN, mss: 1000, window: 3000 }).send({ seq: 1, data: 10 });
  script.expect("A 1 ack 11").send({ seq: 11, data: 10 }).expect("A 1 ack 21").send({
    seq: 21,
    window: 3000,
  });
  script.write(9000);
  assertEquals(script.drain().length, 3);
  // The program repeats ten bytes; meanwhile it has acknowledged and read nothing.
  script.send({ seq: 11, data: 10, ack: 2001, window: 1000 }).expect("A 3001 ack 21");
  script.send({ seq: 21, ack: 2001, window: 2000 }).expect("A 3001+1000 ack 21");
});

Deno.test("a writer is told to wait when the queue is full, and to go on when there is room", () => {
  const script = established({ limits: { sendBufferBytes: 2000 } });
  assertEquals(script.write(1999), true);
  assertEquals(script.write(1), false);
  script.expect("A 1+1460 ack 1", "PA 1461+540 ack 1").events();
  script.send({ seq: 1, ack: 1 }).events().send({ seq: 1, ack: 2 }).events("writable");
  assertEquals(script.write(1), false);
  script.expect("PA 2001+1 ack 1");
});

Deno.test("after the program's FIN data still goes to it, and its window counts", () => {
  const script = closeWait();
  script.write(2000);
  script.expect("A 1+1460 ack 2", "PA 1461+540 ack 2");
});

Deno.test("a RST while the window is closed ends the flow and the probing", () => {
  closedWindow().send({ flags: "R", seq: 1 }).expect().events("ended: reset").over();
});
