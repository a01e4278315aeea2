import { assertEquals } from "@std/assert";
import { established, SYN } from "../../support/script.ts";

const SACK = { ...SYN, sackOk: true };

Deno.test("a segment that came before is reported once, below the ACK (RFC 2883, section 4.1)", () => {
  established({}, SACK)
    .send({ seq: 1, data: 200 }).expect("A 1 ack 201")
    .send({ seq: 1, data: 100 }).expect("A 1 ack 201 sack 1-101")
    .send({ seq: 201, data: 100 }).expect("A 1 ack 301");
});

Deno.test("only the part that came before is reported", () => {
  established({}, SACK)
    .send({ seq: 1, data: 100 }).expect("A 1 ack 101")
    .send({ seq: 51, data: 100 }).expect("A 1 ack 151 sack 51-101");
});

Deno.test("a duplicate of what waits out of order comes first, and the block that holds it next (section 4.1.2)", () => {
  established({}, SACK)
    .send({ seq: 101, data: 200 }).expect("A 1 ack 1 sack 101-301")
    .send({ seq: 501, data: 100 }).expect("A 1 ack 1 sack 501-601,101-301")
    .send({ seq: 151, data: 50 }).expect("A 1 ack 1 sack 151-201,101-301,501-601")
    .drops({ "tcp-duplicate-data": 1 });
});

Deno.test("a duplicate below the ACK stands before the blocks of what waits", () => {
  established({}, SACK)
    .send({ seq: 1, data: 100 }).expect("A 1 ack 101")
    .send({ seq: 201, data: 100 }).expect("A 1 ack 101 sack 201-301")
    .send({ seq: 1, data: 100 }).expect("A 1 ack 101 sack 1-101,201-301");
});

Deno.test("the report leaves in an ACK of its own, before data", () => {
  const script = established({}, SACK).send({ seq: 1, data: 100 }).expect("A 1 ack 101");
  script.write(50);
  script.send({ seq: 1, data: 100 }).expect("A 1 ack 101 sack 1-101", "PA 1+50 ack 101");
});

Deno.test("with timestamps there is room for the report and two blocks", () => {
  const timestamps: [number, number] = [1, 0];
  const script = established({}, { ...SACK, timestamps });
  script.send({ seq: 1, data: 10, timestamps });
  for (let i = 1; i <= 4; i++) script.send({ seq: 100 * i, data: 10, timestamps });
  script.drain();
  script.send({ seq: 1, data: 10, timestamps });
  assertEquals(script.drain(), ["A 1 ack 11 ts 0/1 sack 1-11,400-410,100-110"]);
});

Deno.test("a program without SACK is told of no duplicate", () => {
  established().send({ seq: 1, data: 100 }).expect("A 1 ack 101")
    .send({ seq: 1, data: 100 }).expect("A 1 ack 101");
});
