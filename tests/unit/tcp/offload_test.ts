import { assertEquals } from "@std/assert";
import { established, SYN } from "../../support/script.ts";

const WIDE = { ...SYN, scale: 8, window: 60_000 };

Deno.test("with offload one frame carries many segments, and names their size", () => {
  const script = established({ offload: true }, WIDE);
  script.write(10_000);
  script.expect("PA 1+10000/1460 ack 1 win 4096");
});

Deno.test("what fits one segment is not to be cut", () => {
  const script = established({ offload: true }, WIDE);
  script.write(1460);
  script.expect("PA 1+1460 ack 1 win 4096");
});

Deno.test("a super-packet obeys the MSS of the program and leaves room for options", () => {
  const script = established({ offload: true }, { ...WIDE, mss: 1000, timestamps: [5, 0] });
  script.write(5000);
  script.expect("PA 1+5000/988 ack 1 win 4096 ts 0/5");
});

Deno.test("a super-packet is whole segments while more follows, and never above 65,535 bytes", () => {
  for (const family of [4, 6] as const) {
    const script = established({ offload: true, family }, { ...WIDE, timestamps: [5, 0] });
    let acked = 1;
    let longest = 0;
    for (let round = 0; round < 6; round++) {
      script.write(300_000);
      for (const line of script.drain()) {
        const [, , payload, size] = /(\d+)\+(\d+)\/?(\d*)/.exec(line)!;
        acked += Number(payload);
        longest = Math.max(longest, Number(payload));
        if (size !== "" && !line.startsWith("PA")) assertEquals(Number(payload) % Number(size), 0);
      }
      script.send({ seq: 1, ack: acked, window: 60_000, timestamps: [5, 0] });
      for (const line of script.drain()) acked += Number(/\+(\d+)/.exec(line)![1]);
      script.send({ seq: 1, ack: acked, window: 60_000, timestamps: [5, 0] });
      script.drain().forEach((line) => acked += Number(/\+(\d+)/.exec(line)![1]));
    }
    assertEquals(longest > 60_000 && longest <= 65_475, true, `${longest}`);
  }
});

Deno.test("a FIN rides on the last piece of a super-packet", () => {
  const script = established({ offload: true }, WIDE);
  script.write(5000);
  script.closeWrite().expect("FPA 1+5000/1460 ack 1 win 4096");
});

Deno.test("what was lost of a super-packet goes again as one", () => {
  const script = established({ offload: true }, { ...WIDE, mss: 1000, sackOk: true });
  script.write(10_000);
  script.expect("PA 1+10000/1000 ack 1 win 4096").until(10);
  script.send({ seq: 1, ack: 1, window: 60_000, sack: [[4001, 10_001]] });
  script.expect("A 1+4000/1000 ack 1 win 4096");
});

Deno.test("a super-packet from the program is taken whole", () => {
  const script = established({ limits: { receiveBufferBytes: 100_000 } }).send({
    seq: 1,
    data: 60_000,
  });
  script.expect("A 1 ack 60001 win 40000");
  assertEquals(script.readAll(), [60_000, "wait"]);
});
