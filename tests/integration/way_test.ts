import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { DeviceError } from "../../src/errors.ts";
import { libc } from "../../src/tun/ffi.ts";
import { inNetns } from "../../src/tun/netns.ts";
import { keepWays } from "../../src/tun/way.ts";
import { parseIp } from "../../src/wire/address.ts";
import { borrowAddresses } from "../support/addresses.ts";
import { createNamespace } from "../support/netns.ts";
import { serveHttp } from "../support/origin.ts";
import { commandLine, startPseudoTcp } from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";
import { runTool } from "../support/tools.ts";

libc(); // the library stays open, which no test shall be blamed for

const CABLE = {
  outside: ["10.203.77.1/30", "fd20:3077::1/64"],
  inside: ["10.203.77.2/30", "fd20:3077::2/64"],
};

Deno.test(
  "the way to an address is kept under a route that covers it, and taken away again",
  requires("netns", "ip"),
  async () => {
    await using place = await createNamespace({ veth: CABLE });
    const ip = (...words: string[]) => runTool("ip", "-n", place.name, ...words);
    await ip("route", "add", "default", "via", "10.203.77.1");
    await ip("-6", "route", "add", "default", "via", "fd20:3077::1");
    const before = [await ip("route"), await ip("-6", "route")];
    const addresses = ["203.0.113.9", "2001:db8:9::9", "10.203.77.1", "127.0.0.1", "10.203.77.2"];
    const kept = inNetns(place.name, () => keepWays(addresses.map((text) => parseIp(text)!)));
    assertEquals(kept.addresses, addresses.slice(0, 3).map((text) => parseIp(text)!)); // the others are its own
    for (const half of ["0.0.0.0/1", "128.0.0.0/1"]) await ip("route", "add", half, "dev", "lo");
    const device = place.insideInterface;
    assertMatch(
      await ip("route", "get", "203.0.113.9"),
      new RegExp(`via 10.203.77.1 dev ${device}`),
    );
    assertMatch(await ip("route", "get", "10.203.77.1"), new RegExp(`dev ${device}`));
    assertMatch(await ip("route", "get", "203.0.113.8"), /dev lo/);
    assertMatch(await ip("route", "get", "2001:db8:9::9"), new RegExp(`via fd20:3077::1`));
    for (const half of ["0.0.0.0/1", "128.0.0.0/1"]) await ip("route", "delete", half);
    inNetns(place.name, () => kept[Symbol.dispose]());
    assertEquals([await ip("route"), await ip("-6", "route")], before);
  },
);

Deno.test(
  "a route that somebody made for the address stays theirs",
  requires("netns", "ip"),
  async () => {
    await using place = await createNamespace({ veth: CABLE });
    const ip = (...words: string[]) => runTool("ip", "-n", place.name, ...words);
    await ip("route", "add", "203.0.113.9", "via", "10.203.77.1");
    const before = await ip("route");
    const kept = inNetns(place.name, () => keepWays([parseIp("203.0.113.9")!]));
    assertEquals(kept.addresses, []);
    inNetns(place.name, () => kept[Symbol.dispose]());
    assertEquals(await ip("route"), before);
    assertThrows(
      () => inNetns(place.name, () => keepWays([parseIp("198.51.100.7")!])),
      DeviceError,
      "Cannot keep the way to the proxy at 198.51.100.7 open",
    );
  },
);

Deno.test(
  "the way follows the default route over another interface, and goes with it when it ends",
  requires("netns", "ip"),
  async () => {
    await using place = await createNamespace({ veth: CABLE });
    const ip = (...words: string[]) => runTool("ip", "-n", place.name, ...words);
    await ip("route", "add", "default", "via", "10.203.77.1");
    await ip("link", "add", "other", "type", "veth", "peer", "name", "end");
    await ip("address", "add", "10.203.78.2/30", "dev", "other");
    for (const name of ["other", "end"]) await ip("link", "set", name, "up");
    const kept = inNetns(place.name, () => keepWays([parseIp("203.0.113.9")!]));
    const renew = (...names: string[]) => inNetns(place.name, () => kept.renew(names));
    for (const half of ["0.0.0.0/1", "128.0.0.0/1"]) await ip("route", "add", half, "dev", "lo");
    assertEquals(renew(place.insideInterface), []); // as it was
    await ip("route", "replace", "default", "via", "10.203.78.1");
    assertEquals(renew("gone", "other", place.insideInterface), [parseIp("203.0.113.9")!]);
    assertMatch(await ip("route", "get", "203.0.113.9"), /via 10.203.78.1 dev other/);
    await ip("link", "set", "other", "down"); // takes the route with it
    assertEquals(renew("other"), []);
    await ip("link", "set", "other", "up");
    await ip("route", "add", "default", "via", "10.203.78.1");
    assertEquals(renew("other"), []);
    assertMatch(await ip("route", "get", "203.0.113.9"), /via 10.203.78.1 dev other/);
    inNetns(place.name, () => kept[Symbol.dispose]());
    assertMatch(await ip("route", "get", "203.0.113.9"), /dev lo/);
  },
);

Deno.test(
  "a whole machine finds the way again when it moves to another network",
  requires("netns", "tun", "ip", "curl"),
  async () => {
    await using stack = new AsyncDisposableStack();
    const machine = stack.use(await createNamespace({ veth: CABLE, resolver: "198.18.0.2" }));
    const { ipv4 } = stack.use(await borrowAddresses());
    const origin = serveHttp(stack.use(await borrowAddresses()).ipv4);
    stack.use(origin);
    const listen = ["--plain", "--listen", `${ipv4}:0`, "--allow", "198.51.100.0/24"];
    const proxy = stack.use(startPseudoTcp("proxy", ...listen));
    const [, port] = await proxy.waitFor(/^listening \S+:(\d+)/m, 20_000);
    const ip = (...words: string[]) => runTool("ip", "-n", machine.name, ...words);
    await ip("route", "add", "default", "via", "10.203.77.1");
    const routes = ["--route", "0.0.0.0/1", "--route", "128.0.0.0/1"];
    const up = machine.start(...commandLine("up", "--proxy", `http://${ipv4}:${port}`, ...routes));
    stack.use(up);
    await up.waitFor(/^ready /m, 20_000);
    const page = `http://${origin.authority}/`;
    const fetched = () => machine.run("curl", "-sS", "--max-time", "20", page);
    assertEquals((await fetched()).code, 0);
    await runTool("ip", "address", "add", "10.203.78.1/30", "dev", machine.outsideInterface);
    await ip("address", "add", "10.203.78.2/30", "dev", machine.insideInterface);
    await ip("address", "delete", "10.203.77.2/30", "dev", machine.insideInterface);
    await ip("route", "replace", "default", "via", "10.203.78.1");
    await up.waitFor(new RegExp(`the way to the proxy at ${ipv4} follows`), 20_000);
    const { code, stderr } = await fetched();
    assertEquals([code, stderr], [0, ""]);
    up.kill("SIGTERM");
    assertEquals((await up.status).code, 0);
  },
);

for (const hops of [1, 2]) {
  Deno.test(
    `a whole machine goes through what its own routes cover: ${hops} in a row`,
    requires("netns", "tun", "ip", "curl"),
    async () => {
      await using stack = new AsyncDisposableStack();
      const machine = stack.use(await createNamespace({ veth: CABLE, resolver: "198.18.0.2" }));
      const origin = serveHttp(stack.use(await borrowAddresses()).ipv4);
      stack.use(origin);
      const urls = [];
      for (let hop = 0; hop < hops; hop++) {
        const { ipv4 } = stack.use(await borrowAddresses());
        const listen = ["--plain", "--listen", `${ipv4}:0`, "--allow", "198.51.100.0/24"];
        const proxy = stack.use(startPseudoTcp("proxy", ...listen));
        const [, port] = await proxy.waitFor(/^listening \S+:(\d+)/m, 20_000);
        urls.push(`http://${ipv4}:${port}`);
      }
      const table = () => runTool("ip", "-n", machine.name, "route");
      await runTool("ip", "-n", machine.name, "route", "add", "default", "via", "10.203.77.1");
      const before = await table();
      const routes = ["--route", "0.0.0.0/1", "--route", "128.0.0.0/1"];
      const proxies = urls.flatMap((url) => ["--proxy", url]);
      const up = machine.start(...commandLine("up", "--log", "debug", ...proxies, ...routes));
      stack.use(up);
      await up.waitFor(/^ready /m, 20_000);
      const [near] = urls.map((url) => new URL(url).hostname);
      assertStringIncludes(up.said(), `the way to the proxy at ${near} stays`);
      const page = `http://${origin.authority}/`;
      const { code, stderr } = await machine.run("curl", "-sS", "--max-time", "10", page);
      assertEquals([code, stderr], [0, ""]);
      assertStringIncludes(up.said(), origin.authority); // a flow of the device, and not of the default route
      up.kill("SIGTERM");
      assertEquals((await up.status).code, 0);
      assertEquals(await table(), before);
    },
  );
}
