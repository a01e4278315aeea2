import { assert, assertEquals } from "@std/assert";
import {
  defaultRoutes,
  isOurs,
  lookAtNetwork,
  watchNetwork,
} from "../../../../src/tunnel/road/network.ts";

const V4 = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t7\t0\t00FFFFFF\t0\t0\t0
`;
const V6 = [
  "fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000002 00000000 00000001     eth0",
  "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000003 00000000 00000003     eth0",
  "00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo",
].join("\n");

Deno.test("Default routes are read out of the kernel's tables, without their counters", () => {
  const read = (path: string) => path.includes("ipv6") ? V6 : V4;
  assertEquals(defaultRoutes(read), [
    "eth0 010200C0 100",
    "eth0 fd000000000000000000000000000001 00000400",
  ]);
  assertEquals(defaultRoutes(() => ""), []);
  assertEquals(defaultRoutes(() => "garbage\n\n 1 2\n"), []);
});

Deno.test("The network looks the same as long as nothing changes", () => {
  assertEquals(lookAtNetwork(), lookAtNetwork());
  assert(isOurs("127.0.0.1"));
  assert(isOurs("::ffff:127.0.0.1"));
  assert(!isOurs("192.0.2.77"));
});

Deno.test("A change is told once, and nothing after the end", async () => {
  const looks = ["a", "a", "b", "b", "c"];
  const changed: string[] = [];
  const over = Promise.withResolvers<void>();
  let last = "";
  const look = () => {
    last = looks.shift() ?? last;
    if (looks.length === 0) over.resolve();
    return last;
  };
  const watch = watchNetwork(() => changed.push(last), look, 1);
  const alive = setInterval(() => {}, 1_000);
  await over.promise;
  await new Promise((resolve) => setTimeout(resolve, 5));
  watch[Symbol.dispose]();
  clearInterval(alive);
  assertEquals(changed, ["b", "c"]);
});
