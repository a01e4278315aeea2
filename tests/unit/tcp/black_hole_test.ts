import { assert } from "@std/assert";
import { established, SYN } from "../../support/script.ts";

/** After a timeout one full segment may leave: as many small ones as that is. */
const CASES = [
  { family: 4, full: 1460, least: 536, first: ["1400: A 1+536 ack 1", "1400: A 537+536 ack 1"] },
  { family: 6, full: 1440, least: 1220, first: ["1400: A 1+1220 ack 1"] },
] as const;

for (const { family, full, least, first } of CASES) {
  Deno.test(`a path that swallows full segments without a word gets smaller ones after the third timeout, over IPv${family}`, () => {
    const script = established({ family }, { ...SYN, mss: full });
    script.write(2 * full);
    script.expect(`A 1+${full} ack 1`, `PA ${1 + full}+${full} ack 1`);
    script.until(1399, `200: A 1+${full} ack 1`, `600: A 1+${full} ack 1`);
    script.until(1400, ...first).send({ seq: 1, ack: 1 + least });
    const lines = script.drain();
    assert(lines.length > 0);
    assert(lines.every((line) => Number(/\+(\d+)/.exec(line)![1]) <= least), lines.join());
  });
}

Deno.test("a path is not suspected while what has no answer is short, or the window is closed", () => {
  const short = established();
  short.write(500);
  short.expect("PA 1+500 ack 1");
  short.until(3000, ...[200, 600, 1400, 3000].map((time) => `${time}: PA 1+500 ack 1`));
  const closed = established();
  closed.write(2 * 1460);
  closed.expect("A 1+1460 ack 1", "PA 1461+1460 ack 1");
  closed.send({ seq: 1, ack: 1461, window: 0 });
  closed.until(1500, ...[200, 600, 1400].map((time) => `${time}: PA 1461+1460 ack 1`));
});

Deno.test("timeouts with progress between them suspect nothing", () => {
  const script = established({}, { ...SYN, mss: 1000, window: 1000 });
  script.write(4000);
  script.expect("A 1+1000 ack 1");
  [200, 600, 1400].forEach((time, turn) => {
    const from = 1 + 1000 * turn;
    script.until(time, `${time}: A ${from}+1000 ack 1`);
    script.send({ seq: 1, ack: from + 1000, window: 1000 });
    script.expect(`${turn === 2 ? "PA" : "A"} ${from + 1000}+1000 ack 1`);
  });
});
