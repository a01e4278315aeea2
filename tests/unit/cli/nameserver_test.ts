import { assertEquals, assertThrows } from "@std/assert";
import { nameserverFor } from "../../../src/cli/nameserver.ts";
import { UsageError } from "../../../src/cli/usage_error.ts";
import type { DnsMode } from "../../../src/names.ts";

/** The server for a mode on a machine with these files. */
function found(dns: DnsMode, files: Record<string, string> = {}, nameserver?: string) {
  return nameserverFor({ names: { dns }, nameserver }, (path) => {
    if (path in files) return files[path];
    throw new Deno.errors.NotFound();
  });
}

const STUB = "# by systemd\nnameserver 127.0.0.53\noptions edns0\n";

Deno.test("where names are answered inside, the resolver's own address stands there", () => {
  assertEquals([found("fake"), found("doh")], ["198.18.0.2", "198.18.0.2"]);
});

Deno.test("the tunnel's mode takes the machine's first server that another machine can reach", () => {
  const plain = {
    "/etc/resolv.conf": "nameserver ::1\nnameserver 192.0.2.53\nnameserver 9.9.9.9\n",
  };
  assertEquals(found("tunnel", plain), "192.0.2.53");
  const resolved = {
    "/etc/resolv.conf": STUB,
    "/run/systemd/resolve/resolv.conf": "nameserver 2001:db8::53\n",
  };
  assertEquals(found("tunnel", resolved), "2001:db8::53");
  assertEquals(found("tunnel", resolved, "192.0.2.1"), "192.0.2.1");
  const refused = (files?: Record<string, string>) =>
    assertThrows(() => found("tunnel", files), UsageError, "--nameserver ADDRESS");
  refused();
  refused({ "/etc/resolv.conf": STUB });
});

Deno.test("without DNS of ours the file stays, unless somebody names a server", () => {
  assertEquals(found("off", { "/etc/resolv.conf": "nameserver 192.0.2.53\n" }), undefined);
  assertEquals(found("off", {}, "192.0.2.1"), "192.0.2.1");
});
