/**
 * A certificate for a proxy that has none: self-signed, ECDSA on P-256, made on the spot and kept nowhere (RFC 5280).
 *
 * By hand, and not by a package: it is these two files, works without a network, and a proxy should not have to install
 * something to be able to listen.
 *
 * @module
 */

import { parseIp } from "../../wire/address.ts";
import {
  bitString,
  type Der,
  der,
  explicit,
  generalizedTime,
  integer,
  octetString,
  oid,
  sequence,
  set,
  TRUE,
  utcTime,
  utf8String,
} from "./der.ts";

/** A certificate and its key. */
export interface Certificate {
  /** In PEM. */
  readonly cert: string;
  /** PKCS #8 in PEM: a secret. */
  readonly key: string;
  /** SHA-256 of the certificate's DER, in lower-case hexadecimal: what a client pins. */
  readonly sha256: string;
}

const ECDSA_WITH_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));
const COMMON_NAME = oid("2.5.4.3");
const SUBJECT_ALT_NAME = oid("2.5.29.17");
const BASIC_CONSTRAINTS = oid("2.5.29.19");
const EXTENDED_KEY_USAGE = oid("2.5.29.37");
const SERVER_AUTH = oid("1.3.6.1.5.5.7.3.1");
const VERSION_3 = integer(Uint8Array.of(2));

/** GeneralName choices (RFC 5280, section 4.2.1.6). */
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

const DAY_MS = 86_400_000;
/** Clocks differ; a certificate from the future is refused. */
const BACKDATED_MS = DAY_MS;
/** The longest that browsers take from anyone. Made anew at every start anyway. */
const LIFETIME_MS = 397 * DAY_MS;

/**
 * Makes a self-signed certificate for `names`, DNS names and IP addresses in text.
 *
 * @example A certificate for this machine
 * ```ts
 * import { selfSignedCertificate } from "./certificate.ts";
 *
 * const { cert, sha256 } = await selfSignedCertificate({ names: ["localhost", "127.0.0.1"] });
 * if (!cert.startsWith("-----BEGIN CERTIFICATE-----") || sha256.length !== 64) throw new Error(cert);
 * ```
 */
export async function selfSignedCertificate(
  { names }: { readonly names: readonly string[] },
): Promise<Certificate> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", keys.publicKey));
  const toBeSigned = describe(names, spki);
  const signature = new Uint8Array(
    await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, keys.privateKey, toBeSigned),
  );
  const bytes = sequence(toBeSigned, ECDSA_WITH_SHA256, bitString(ecdsaSignature(signature)));
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  return {
    cert: pem("CERTIFICATE", bytes),
    key: pem("PRIVATE KEY", pkcs8),
    sha256: new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex(),
  };
}

/** The TBSCertificate: all that is signed. */
function describe(names: readonly string[], spki: Uint8Array): Der {
  const now = Date.now();
  const name = sequence(set(sequence(COMMON_NAME, utf8String("PseudoTCP embedded proxy"))));
  const extensions = sequence(
    sequence(SUBJECT_ALT_NAME, octetString(sequence(...names.map(generalName)))),
    // An authority for nobody, so that a client that trusts it trusts this server only. TRUE marks it critical.
    sequence(BASIC_CONSTRAINTS, TRUE, octetString(sequence())),
    sequence(EXTENDED_KEY_USAGE, octetString(sequence(SERVER_AUTH))),
  );
  return sequence(
    explicit(0, VERSION_3),
    integer(crypto.getRandomValues(new Uint8Array(16))),
    ECDSA_WITH_SHA256,
    name,
    sequence(time(now - BACKDATED_MS), time(now + LIFETIME_MS)),
    name,
    spki,
    explicit(3, extensions),
  );
}

function generalName(name: string): Der {
  const address = parseIp(name);
  return address ? der(IP_ADDRESS, address) : der(DNS_NAME, new TextEncoder().encode(name));
}

function time(ms: number): Der {
  const date = new Date(ms);
  return date.getUTCFullYear() < 2050 ? utcTime(date) : generalizedTime(date);
}

/** WebCrypto gives r and s side by side; X.509 wants two integers (RFC 3279, section 2.2.3). */
function ecdsaSignature(signature: Uint8Array): Der {
  const half = signature.length / 2;
  return sequence(integer(signature.subarray(0, half)), integer(signature.subarray(half)));
}

function pem(label: string, bytes: Uint8Array): string {
  const lines = bytes.toBase64().match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
