/**
 * Packets of one port of this machine that get lost, as behind a firewall that says nothing. Needs root and nftables; goes with its test.
 *
 * @module
 */

import { runTool } from "./tools.ts";

/** Drops what goes to and comes from `port` of this machine. */
export async function dropPackets(
  protocol: "tcp" | "udp",
  port: number,
): Promise<AsyncDisposable> {
  const table = `pseudotcp_${crypto.getRandomValues(new Uint8Array(4)).toHex()}`;
  await runTool("nft", "add", "table", "inet", table);
  const hook = "{ type filter hook input priority 0 ; }";
  try {
    await runTool("nft", "add", "chain", "inet", table, "input", hook);
    for (const side of ["dport", "sport"]) {
      const rule = [protocol, side, `${port}`, "drop"];
      await runTool("nft", "add", "rule", "inet", table, "input", ...rule);
    }
  } catch (error) {
    await runTool("nft", "delete", "table", "inet", table);
    throw error;
  }
  return {
    async [Symbol.asyncDispose]() {
      await runTool("nft", "delete", "table", "inet", table);
    },
  };
}
