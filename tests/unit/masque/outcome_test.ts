import { assert, assertEquals, assertMatch } from "@std/assert";
import { outcomeOf, unanswered } from "../../../src/masque/outcome.ts";

const TARGET = "example.com:443";

/** The table "A SYN is a request" of the design. */
const TABLE = [
  [502, "connection_refused", "connection_refused", "reset"],
  [502, undefined, "connection_refused", "reset"],
  [502, "destination_ip_unroutable", "destination_ip_unroutable", "host-unreachable"],
  [502, "dns_error", "dns_error", "host-unreachable"],
  [502, "destination_ip_prohibited", "destination_ip_prohibited", "prohibited"],
  [403, undefined, "http_request_denied", "prohibited"],
  [504, "connection_timeout", "connection_timeout", "host-unreachable"],
  [504, undefined, "connection_timeout", "host-unreachable"],
  [407, undefined, "proxy_authentication_required", "prohibited"],
  [401, undefined, "proxy_authentication_required", "prohibited"],
  [407, "http_request_denied", "proxy_authentication_required", "prohibited"],
  [403, "http_request_denied", "http_request_denied", "prohibited"],
  [404, undefined, "proxy_configuration_error", "network-unreachable"],
  [426, undefined, "proxy_configuration_error", "network-unreachable"],
  [429, undefined, "connection_limit_reached", "host-unreachable"],
  [301, undefined, "proxy_configuration_error", "network-unreachable"],
  [418, undefined, "http_request_denied", "prohibited"],
  [599, undefined, "proxy_internal_error", "network-unreachable"],
  [777, undefined, "proxy_internal_error", "network-unreachable"],
] as const;

/** RFC 9209, section 2.3, typed from its headings. */
const REGISTERED = `dns_timeout dns_error destination_not_found destination_unavailable
  destination_ip_prohibited destination_ip_unroutable connection_refused connection_terminated
  connection_timeout connection_read_timeout connection_write_timeout connection_limit_reached
  tls_protocol_error tls_certificate_error tls_alert_received http_request_error http_request_denied
  http_response_incomplete http_response_header_section_size http_response_header_size
  http_response_body_size http_response_trailer_section_size http_response_trailer_size
  http_response_transfer_coding http_response_content_coding http_response_timeout
  http_upgrade_failed http_protocol_error proxy_internal_response proxy_internal_error
  proxy_configuration_error proxy_loop_detected`.split(/\s+/);

Deno.test("Each answer of the design's table gives the program what the table says", () => {
  for (const [status, error, kind, refusal] of TABLE) {
    const proxyStatus = error && `proxy.example; error=${error}`;
    const outcome = outcomeOf({ status, proxyStatus }, TARGET);
    assertEquals([outcome.kind, outcome.refusal, outcome.status], [kind, refusal, status]);
  }
});

Deno.test("Every registered error type is known and wins over the status", () => {
  for (const error of REGISTERED) {
    const outcome = outcomeOf({ status: 299, proxyStatus: `p; error=${error}` }, TARGET);
    assertMatch(outcome.detail, new RegExp(`\\(${error}, status 299\\)`));
  }
});

Deno.test("An unknown error type, and a name of Object.prototype, leave the word to the status", () => {
  for (const error of ["shrug", "constructor", "toString"]) {
    const outcome = outcomeOf({ status: 504, proxyStatus: `p; error=${error}` }, TARGET);
    assertEquals(outcome.kind, "connection_timeout");
  }
});

Deno.test("Of several proxies the one nearest to the origin is believed", () => {
  const proxyStatus = "far; error=connection_refused, near; error=http_protocol_error";
  assertEquals(outcomeOf({ status: 502, proxyStatus }, TARGET).kind, "connection_refused");
});

Deno.test("A member without an error does not hide one that has it", () => {
  const proxyStatus = "far; received-status=200, near; error=dns_error";
  assertEquals(outcomeOf({ status: 502, proxyStatus }, TARGET).kind, "dns_error");
});

Deno.test("Squid's error number tells its 503 answers apart", () => {
  const refused = outcomeOf({ status: 503, squidError: "ERR_CONNECT_FAIL 111" }, TARGET);
  const unnamed = outcomeOf({ status: 503, squidError: "ERR_DNS_FAIL 0" }, TARGET);
  const other = outcomeOf({ status: 503, squidError: "ERR_ELSE 7" }, TARGET);
  assertEquals(
    [refused.refusal, unnamed.kind, other.kind],
    ["reset", "dns_error", "destination_unavailable"],
  );
});

Deno.test("The detail is one sentence in printable ASCII, whatever the proxy says", () => {
  const proxyStatus = `p; error=dns_error; details="${"a".repeat(5000)}"`;
  const { detail } = outcomeOf({ status: 502, proxyStatus }, "ex\x1b[31mample:1");
  assert(detail.length < 300);
  assertMatch(detail, /^[\x20-\x7e]*[^.]$/);
});

Deno.test("Without an answer the proxy is gone, unless the kind says otherwise", () => {
  assertEquals(unanswered("proxy_unreachable", "x").refusal, "network-unreachable");
  assertEquals(unanswered("connection_timeout", "x").refusal, "host-unreachable");
  assertEquals(unanswered("cancelled", "x").status, 0);
});
