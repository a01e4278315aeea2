import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DeviceError } from "../../../src/errors.ts";
import { EACCES, EBUSY, EINVAL, ENODEV, EPERM, libc } from "../../../src/tun/ffi.ts";
import { attachError, openError, openTun } from "../../../src/tun/linux.ts";

const ignore = Deno.build.os !== "linux";
// The library stays open for the life of the program: opened before any test, no sanitizer takes it for a leak.
if (!ignore) libc();

Deno.test({ name: "no device file is not-found and names the driver", ignore }, async () => {
  const error = await assertRejects(() => openTun({ path: "/nowhere/tun" }), DeviceError);
  assertEquals(error.code, "not-found");
  assertStringIncludes(error.message, '"/nowhere/tun"');
  assertStringIncludes(error.message, "modprobe tun");
});

Deno.test({ name: "a device file without a driver is not-found", ignore }, () => {
  assertEquals(openError("/dev/net/tun", ENODEV).code, "not-found");
});

Deno.test({ name: "a file that is no TUN device gives no interface", ignore }, async () => {
  const error = await assertRejects(() => openTun({ path: "/dev/null" }), DeviceError);
  assertEquals(error.code, "failed");
  assertStringIncludes(error.message, "/dev/null");
});

Deno.test({ name: "a missing permission says what to do", ignore }, () => {
  assertEquals(openError("/dev/net/tun", EACCES).code, "not-permitted");
  const error = attachError("/dev/net/tun", "tun0", EPERM);
  assertEquals(error.code, "not-permitted");
  assertStringIncludes(error.message, "CAP_NET_ADMIN");
});

Deno.test({ name: "a held name and a name of another kind of interface are taken", ignore }, () => {
  assertEquals(attachError("/dev/net/tun", "tun0", EBUSY).code, "name-taken");
  assertEquals(attachError("/dev/net/tun", "lo", EINVAL).code, "name-taken");
});

for (
  const [what, options] of [
    ["a name of 16 bytes", { name: "tun4567890123456" }],
    ["an empty name", { name: "" }],
    ["a name with a slash", { name: "a/b" }],
    ["an MTU below what IPv4 needs", { mtu: 575 }],
    ["an MTU below what IPv6 needs", { mtu: 1279, addresses: ["fd00::1/64"] }],
    ["an MTU that is no integer", { mtu: 1500.5 }],
    ["an address that is none", { addresses: ["tun"] }],
    ["a route that is none", { routes: ["10.0.0.0/33"] }],
    ["a namespace that is a path", { netns: "../x" }],
  ] as const
) {
  Deno.test({ name: `${what} is a RangeError`, ignore }, async () => {
    await assertRejects(() => openTun({ path: "/nowhere/tun", ...options }), RangeError);
  });
}
