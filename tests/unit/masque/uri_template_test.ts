import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { StdUriTemplate } from "npm:@std-uritemplate/std-uritemplate@2.0.12";
import {
  checkUdpTemplate,
  expandTemplate,
  type TemplateVariables,
} from "../../../src/masque/uri_template.ts";
import { seededDice } from "../random.ts";

Deno.test("The examples of RFC 6570, section 3.2, up to level 3", () => {
  const variables = {
    var: "value",
    hello: "Hello World!",
    half: "50%",
    empty: "",
    path: "/foo/bar",
    x: "1024",
    y: "768",
    dom: "example",
    undef: undefined,
  };
  const examples: [string, string][] = [
    ["{hello}", "Hello%20World%21"],
    ["{half}", "50%25"],
    ["O{empty}X{undef}X", "OXX"],
    ["map?{x,y}", "map?1024,768"],
    ["{x,hello,y}", "1024,Hello%20World%21,768"],
    ["?{x,empty}", "?1024,"],
    ["?{x,undef}", "?1024"],
    ["{+path}/here", "/foo/bar/here"],
    ["{+half}", "50%25"],
    ["{#path,x}", "#/foo/bar,1024"],
    ["X{.x,y}", "X.1024.768"],
    ["{/var,x}/here", "/value/1024/here"],
    ["{/var,empty}", "/value/"],
    ["{;x,y,empty}", ";x=1024;y=768;empty"],
    ["{?x,y,empty}", "?x=1024&y=768&empty="],
    ["{?x,y,undef}", "?x=1024&y=768"],
    ["?fixed=yes{&x}", "?fixed=yes&x=1024"],
    ["{undef}", ""],
  ];
  for (const [template, expanded] of examples) {
    assertEquals(expandTemplate(template, variables), expanded, template);
  }
});

// The oracle leaves ' ( ) * alone, which RFC 6570, section 3.2.1, has encoded, and stumbles over a bare % where reserved characters may stand.
Deno.test("Random templates expand as another implementation expands them", () => {
  const dice = seededDice(6570);
  const names = ["target_host", "target_port", "a", "b.c", "none"];
  const text = () =>
    Array.from(
      { length: dice.int(8) },
      () => dice.pick([..."aZ09-._~:/?[]@!$+,;= \u00fc\u{1f600}"]),
    )
      .join("");
  for (let i = 0; i < 500; i++) {
    const template = Array.from({ length: 1 + dice.int(4) }, () => {
      const list = Array.from({ length: 1 + dice.int(3) }, () => dice.pick(names));
      const symbol = dice.pick(["", "+", "#", ".", "/", ";", "?", "&"]);
      return `${dice.pick(["", "/", "x"])}{${symbol}${list.join(",")}}`;
    }).join("");
    const variables: Record<string, string> = {};
    for (const name of names.slice(0, 4)) if (dice.int(4) > 0) variables[name] = text();
    const expected = StdUriTemplate.expand(template, variables);
    assertEquals(expandTemplate(template, variables as TemplateVariables), expected, template);
  }
});

Deno.test("The templates of RFC 9298, section 2, are taken, and others that keep its rules", () => {
  for (
    const template of [
      "https://example.org/.well-known/masque/udp/{target_host}/{target_port}/",
      "https://proxy.example.org:4443/masque?h={target_host}&p={target_port}",
      "https://proxy.example.org:4443/masque{?target_host,target_port}",
      "https://[::1]:4443/{target_host},{target_port}/{other}",
    ]
  ) assertEquals(checkUdpTemplate(template), template);
});

Deno.test("What RFC 9298, section 2, forbids is refused with the reason", () => {
  const both = "{target_host}/{target_port}";
  const refused: [string, string][] = [
    [`/masque/${both}`, "https://HOST"],
    [`https:///${both}`, "https://HOST"],
    [`https://${both}`, "https://HOST"],
    [`https://{target_host}/{target_port}`, "https://HOST"],
    [`https://a?${both}`, "https://HOST"],
    [`https://a/${both}#x`, "https://HOST"],
    [`https://a/ ${both}`, "visible ASCII"],
    [`https://a/\u00fc${both}`, "visible ASCII"],
    ["https://a/{target_host}/", "{target_port} is missing"],
    ["https://a/{target_port}/", "{target_host} is missing"],
    [`https://a/${both}{+x}`, "reserved expansion"],
    [`https://a{/target_host,target_port}`, "https://HOST"],
    [`https://a/x{/target_host,target_port}`, "path segment expansion"],
    [`https://a/x{;target_host,target_port}`, "path-style"],
    [`https://a/x{.target_host,target_port}`, "label expansion"],
    [`https://a/${both}{target_host:3}`, "level 3"],
    [`https://a/${both}{list*}`, "level 3"],
    [`https://a/${both}{`, "level 3"],
  ];
  for (const [template, reason] of refused) {
    const error = assertThrows(() => checkUdpTemplate(template), TypeError);
    assertStringIncludes(error.message, reason, template);
  }
});
