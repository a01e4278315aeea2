/** Starts its arguments in a namespace, waits for the end, and passes on the status; a problem goes to standard error. */

import { startInNamespace } from "../../src/tun/namespace.ts";

// Ctrl-C is for the command.
Deno.addSignalListener("SIGINT", () => {});
try {
  await using program = await startInNamespace({
    command: Deno.args,
    addresses: ["198.18.0.1/15", "fd73:7470::1/64"],
    nameserver: "198.18.0.2",
    env: { FROM_OUTSIDE: "yes" },
  });
  Deno.addSignalListener("SIGTERM", () => program.kill("SIGTERM"));
  program.go();
  const { code, signal, problem } = await program.status;
  if (problem) console.error(problem);
  if (signal) console.error(`ended by ${signal}`);
  Deno.exitCode = code;
} catch (error) {
  console.error(String(error));
  Deno.exitCode = 125;
}
Deno.exit();
