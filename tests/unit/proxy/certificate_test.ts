import { assertEquals, assertMatch } from "@std/assert";
import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import { selfSignedCertificate } from "../../../src/proxy/certificate/certificate.ts";
import { der, integer, oid } from "../../../src/proxy/certificate/der.ts";

Deno.test("a certificate names what it was asked to name, and is signed by itself", async () => {
  const { cert, sha256 } = await selfSignedCertificate({
    names: ["proxy.example", "127.0.0.1", "::1"],
  });
  const parsed = new X509Certificate(cert);
  assertEquals(parsed.subject, "CN=PseudoTCP embedded proxy");
  assertEquals(parsed.ca, false);
  // Runtimes write an IPv6 address in different ways; the order is ours.
  assertMatch(parsed.subjectAltName!, /^DNS:proxy.example, IP Address:127.0.0.1, IP Address:/);
  assertEquals(parsed.checkIP("::1") !== undefined, true);
  assertEquals(createHash("sha256").update(parsed.raw).digest("hex"), sha256);
  assertEquals(createPublicKey(cert).asymmetricKeyDetails?.namedCurve, "prime256v1");
  const start = Date.parse(parsed.validFrom);
  assertEquals(start < Date.now() && Date.parse(parsed.validTo) > Date.now(), true);
});

Deno.test("a TLS client that trusts the certificate connects by name and by address", async () => {
  const { cert, key } = await selfSignedCertificate({ names: ["localhost", "127.0.0.1"] });
  using listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
  for (const hostname of ["localhost", "127.0.0.1"]) {
    const { port } = listener.addr;
    const [server, client] = await Promise.all([
      listener.accept().then(async (conn) => (await conn.handshake(), conn)),
      Deno.connectTls({ hostname, port, caCerts: [cert] }),
    ]);
    await client.handshake();
    client.close();
    server.close();
  }
});

Deno.test("no two certificates share a serial number, a key or a digest", async () => {
  const [a, b] = await Promise.all([1, 2].map(() => selfSignedCertificate({ names: ["a"] })));
  assertEquals(a.sha256 === b.sha256 || a.key === b.key, false);
  const serials = [a, b].map(({ cert }) => new X509Certificate(cert).serialNumber);
  assertEquals(serials[0] === serials[1], false);
});

Deno.test("DER lengths and numbers are as short as can be", () => {
  assertEquals([...der(0x04, new Uint8Array(127)).subarray(0, 2)], [0x04, 0x7f]);
  assertEquals([...der(0x04, new Uint8Array(128)).subarray(0, 3)], [0x04, 0x81, 0x80]);
  assertEquals([...der(0x04, new Uint8Array(256)).subarray(0, 4)], [0x04, 0x82, 1, 0]);
  assertEquals([...integer(Uint8Array.of(0, 0, 1))], [0x02, 1, 1]);
  assertEquals([...integer(Uint8Array.of(0x80))], [0x02, 2, 0, 0x80]);
  assertEquals([...integer(Uint8Array.of(0, 0))], [0x02, 1, 0]);
  assertEquals([...oid("1.2.840.10045.4.3.2")], [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]);
});
