import { assertAlmostEquals, assertEquals } from "@std/assert";
import { type CpuProfile, heaviest, PART_NAMES, sharesOf } from "../../bench/profile/parts.ts";

const node = (id: number, functionName: string, url = "") => ({
  id,
  callFrame: { functionName, url },
});

/** Ten samples of a microsecond each, from 100 on. */
const PROFILE: CpuProfile = {
  nodes: [
    node(1, "(idle)"),
    node(2, "readFrame", "file:///x/src/tun/descriptor.ts"),
    node(3, "writeFrame", "file:///x/src/tun/descriptor.ts"),
    node(4, "push", "file:///x/src/tcp/receive_queue.ts"),
    node(5, "handleSegment", "file:///x/src/tcp/endpoint.ts"),
    node(6, "writeBuffer"),
    node(7, "somethingElse", "ext:core/01_core.js"),
  ],
  startTime: 100,
  samples: [1, 1, 2, 3, 3, 4, 5, 6, 6, 7],
  timeDeltas: new Array(10).fill(1),
};

Deno.test("every sample falls to one part, and the parts are shares of the busy time", () => {
  const { idle, busy } = sharesOf(PROFILE, { from: 0, to: 1000 });
  assertAlmostEquals(idle, 0.2);
  assertEquals(busy.get("system call: `write` to the device"), 2 / 8);
  assertEquals(busy.get("system calls of sockets, and TLS within them"), 2 / 8);
  assertEquals(busy.get("copies of payload"), 1 / 8);
  assertEquals(busy.get("our own TCP, packets and relay"), 1 / 8);
  assertAlmostEquals([...busy.values()].reduce((sum, share) => sum + share), 1);
  assertEquals([...busy.keys()].filter((part) => !PART_NAMES.includes(part)), []);
});

Deno.test("what lies outside of the span is left out", () => {
  const { idle, busy } = sharesOf(PROFILE, { from: 103, to: 105 });
  assertEquals(idle, 0);
  assertAlmostEquals(busy.get("system call: `read` from the device")!, 1 / 3);
  assertEquals(busy.size, 2);
});

Deno.test("the heaviest functions of a part are told with their time", () => {
  const [first] = heaviest(
    { ...PROFILE, timeDeltas: PROFILE.timeDeltas.map(() => 1000) },
    { from: 0, to: 1e6 },
    "system call: `write` to the device",
    3,
  );
  assertEquals(first, "2 ms writeFrame tun/descriptor.ts");
});
