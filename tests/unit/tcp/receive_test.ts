import { assertEquals } from "@std/assert";
import { closeWait, established, SYN } from "../../support/script.ts";

const SACK = { ...SYN, sackOk: true };

Deno.test("bytes in order become readable and are acknowledged", () => {
  const script = established();
  assertEquals(script.read(), "wait");
  script.send({ seq: 1, data: 100 }).events("readable").expect("A 1 ack 101");
  assertEquals(script.read(), 100);
  assertEquals(script.read(), "wait");
});

Deno.test("one ACK stands for a whole batch", () => {
  const script = established();
  for (let i = 0; i < 20; i++) script.send({ seq: 1 + 1000 * i, data: 1000 });
  script.expect("A 1 ack 20001");
});

Deno.test("an ACK rides on data where there is some", () => {
  const script = established().send({ seq: 1, data: 100 });
  script.write(50);
  script.expect("PA 1+50 ack 101");
});

Deno.test("a reader is woken once, when it had found nothing", () => {
  const script = established().send({ seq: 1, data: 10 }).events();
  assertEquals(script.readAll(), [10, "wait"]);
  script.send({ seq: 11, data: 10 }).send({ seq: 21, data: 10 }).events("readable")
    .expect("A 1 ack 31");
});

Deno.test("segments out of order are kept, and reported latest first", () => {
  established({}, SACK)
    .send({ seq: 101, data: 100 }).expect("A 1 ack 1 sack 101-201")
    .send({ seq: 301, data: 100 }).expect("A 1 ack 1 sack 301-401,101-201")
    .send({ seq: 201, data: 50 }).expect("A 1 ack 1 sack 101-251,301-401")
    .send({ seq: 251, data: 50 }).expect("A 1 ack 1 sack 101-401")
    .send({ seq: 1, data: 100 }).expect("A 1 ack 401");
});

Deno.test("a segment has room for four SACK blocks, three beside timestamps", () => {
  const blocks = (timestamps?: [number, number]) => {
    const script = established({}, { ...SACK, timestamps });
    for (let i = 1; i <= 6; i++) script.send({ seq: 1 + 200 * i, data: 100, timestamps });
    return script.drain()[0].replace(/.* sack /, "");
  };
  assertEquals(blocks().split(",").length, 4);
  assertEquals(blocks([9, 0]).split(",").length, 3);
  assertEquals(blocks().split(",")[0], "1201-1301");
});

Deno.test("without SACK the same segments are kept and not reported", () => {
  const script = established().send({ seq: 101, data: 100 }).expect("A 1 ack 1");
  script.send({ seq: 1, data: 100 }).expect("A 1 ack 201");
  assertEquals(script.readAll(), [200, "wait"]);
});

Deno.test("an old segment is acknowledged and gives no byte twice", () => {
  const script = established().send({ seq: 1, data: 100 }).expect("A 1 ack 101");
  script.send({ seq: 1, data: 100 }).expect("A 1 ack 101");
  script.send({ seq: 51, data: 100 }).expect("A 1 ack 151");
  assertEquals(script.readAll(), [150, "wait"]);
});

Deno.test("pieces that overlap in every way make one stream", () => {
  const script = established();
  for (const [seq, data] of [[50, 20], [40, 15], [65, 30], [30, 90], [10, 25], [45, 5]]) {
    script.send({ seq, data });
  }
  script.expect("A 1 ack 1").send({ seq: 1, data: 12 }).expect("A 1 ack 120");
  assertEquals(script.readAll(), [119, "wait"]);
});

Deno.test("bytes beyond the window are cut off, those within are kept", () => {
  const script = established({ limits: { receiveBufferBytes: 1000 } });
  script.send({ seq: 1, data: 1400 }).expect("A 1 ack 1001 win 0");
  assertEquals(script.read(), 1000);
  script.expect("A 1 ack 1001 win 1000").send({ seq: 1001, data: 10 }).expect(
    "A 1 ack 1011 win 990",
  );
});

Deno.test("a segment outside of the window is answered with an ACK and counted", () => {
  const script = established({ limits: { receiveBufferBytes: 1000 } });
  script.send({ seq: 2001, data: 10 }).expect("A 1 ack 1 win 1000").drops({
    "tcp-out-of-window": 1,
  });
  assertEquals(script.read(), "wait");
});

Deno.test("a closed window is probed: each probe is answered, and reading opens it with an update", () => {
  const script = established({ limits: { receiveBufferBytes: 4000 } });
  script.send({ seq: 1, data: 1460 }).send({ seq: 1461, data: 1460 }).send({
    seq: 2921,
    data: 1080,
  });
  script.expect("A 1 ack 4001 win 0");
  for (const at of [500, 1500, 3500]) {
    script.until(at).send({ seq: 4001, data: 1 }).expect("A 1 ack 4001 win 0");
    script.until(at + 10).send({ seq: 4000, data: 0 }).expect("A 1 ack 4001 win 0");
  }
  assertEquals(script.read(), 1460);
  script.expect("A 1 ack 4001 win 1460");
  assertEquals(script.read(), 2540);
  script.expect("A 1 ack 4001 win 4000").send({ seq: 4001, data: 1 }).expect(
    "A 1 ack 4002 win 3999",
  );
});

Deno.test("a window that grows by little is not worth an update: no silly windows", () => {
  const script = established({ limits: { receiveBufferBytes: 100_000 } });
  for (let i = 0; i < 65; i++) script.send({ seq: 1 + 1000 * i, data: 1000 });
  script.send({ seq: 65_001, data: 535 });
  // The buffer of 100,000 keeps 34,465 free, which the window of 65,535 could not name before.
  script.expect("A 1 ack 65536 win 34465");
  while (script.read() !== "wait");
  script.expect("A 1 ack 65536");
});

Deno.test("the window is never taken back", () => {
  const script = established({ limits: { receiveBufferBytes: 10_000 } });
  let edge = 0;
  for (let seq = 1; seq < 8000; seq += 100) {
    script.send({ seq, data: 100 });
    const [, ack, window] = /ack (\d+) win (\d+)/.exec(script.drain()[0])!;
    assertEquals(Number(ack) + Number(window) >= edge, true);
    edge = Number(ack) + Number(window);
    if (seq % 300 === 1) script.read();
  }
});

Deno.test("a FIN is the end behind the last byte, and is acknowledged", () => {
  const script = established().send({ flags: "FA", seq: 1, data: 10 }).expect("A 1 ack 12");
  assertEquals(script.readAll(), [10, "end"]);
});

Deno.test("a FIN before its turn waits for the bytes before it", () => {
  const script = established();
  script.send({ flags: "FA", seq: 101 }).expect("A 1 ack 1");
  assertEquals(script.read(), "wait");
  script.send({ seq: 1, data: 100 }).expect("A 1 ack 102").events("readable");
  assertEquals(script.readAll(), [100, "end"]);
});

Deno.test("a FIN with data before its turn waits as well", () => {
  const script = established().send({ flags: "FA", seq: 51, data: 50 }).expect("A 1 ack 1");
  script.send({ seq: 1, data: 50 }).expect("A 1 ack 102");
  assertEquals(script.readAll(), [100, "end"]);
});

Deno.test("a FIN that comes with data that came before is a FIN all the same", () => {
  const script = established().send({ seq: 1, data: 100 }).expect("A 1 ack 101");
  script.send({ flags: "FA", seq: 1, data: 100 }).expect("A 1 ack 102");
  assertEquals(script.readAll(), [100, "end"]);
});

Deno.test("a FIN behind data that the window cut off has not arrived", () => {
  const script = established({ limits: { receiveBufferBytes: 1000 } });
  script.send({ flags: "FA", seq: 1, data: 1400 }).expect("A 1 ack 1001 win 0");
  assertEquals(script.readAll(), [1000, "wait"]);
  script.expect("A 1 ack 1001 win 1000");
  script.send({ flags: "FA", seq: 1001, data: 400 }).expect("A 1 ack 1402 win 600");
  assertEquals(script.readAll(), [400, "end"]);
});

Deno.test("a FIN again is acknowledged again", () => {
  closeWait().send({ flags: "FA", seq: 1 }).expect("A 1 ack 2");
});

Deno.test("data after the FIN of the program is not taken", () => {
  const script = closeWait().send({ seq: 2, data: 10 }).expect("A 1 ack 2");
  assertEquals(script.read(), "end");
});

Deno.test("pieces out of order are bounded in number, and the sender repeats what was dropped", () => {
  const script = established();
  for (let i = 1; i <= 16_400; i++) script.send({ seq: 1 + 2 * i, data: 1 });
  script.drops({ "tcp-reassembly-full": 16 }).expect("A 1 ack 1");
  script.send({ seq: 1, data: 1400 });
  script.drain();
  script.send({ seq: 1401, data: 1400 }).expect("A 1 ack 2802"); // and the odd byte behind it
});

Deno.test("near a closed window one segment of room is worth an update, less is not", () => {
  const fill = (first: number) => {
    const script = established({ limits: { receiveBufferBytes: 20_000 } });
    script.send({ seq: 1, data: first });
    for (let seq = 1 + first; seq < 19_000; seq += 1000) script.send({ seq, data: 1000 });
    script.drain();
    script.read();
    return script.drain().length;
  };
  assertEquals([fill(1459), fill(1460)], [0, 1]);
});
