import { assertStringIncludes } from "@std/assert";
import { refusal } from "../../../src/tun/unshare.ts";

const WHY = "unshare: unshare failed: Operation not permitted";

for (
  const [name, value] of [
    ["kernel.unprivileged_userns_clone", "0"],
    ["user.max_user_namespaces", "0"],
    ["kernel.apparmor_restrict_unprivileged_userns", "1"],
  ]
) {
  Deno.test(`a refusal by ${name} names it`, () => {
    const sentence = refusal(WHY, (asked) => asked === name ? value : undefined);
    assertStringIncludes(sentence, `sysctl ${name} is ${value}`);
    assertStringIncludes(sentence, WHY);
  });
}

Deno.test("a refusal without a known sysctl still says what to do", () => {
  assertStringIncludes(refusal(WHY, () => undefined), "In a container, allow user namespaces");
});
