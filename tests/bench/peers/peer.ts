/**
 * A peer: another program that turns packets into flows, and what it takes to measure it.
 *
 * @module
 */

/** What an engine is started with. */
export interface EngineSettings {
  /** The TUN device to make. */
  readonly device: string;
  /** A SOCKS5 proxy on 127.0.0.1, with UDP. */
  readonly socksPort: number;
  /** For configuration files. */
  readonly folder: string;
}

/** A program to measure beside ours. */
export interface Peer {
  readonly name: string;
  /** Its settings, in words. */
  readonly words: string;
  /** Gets it by an ordinary package client and gives the path of the program; rejects with the client's words. */
  install(folder: string): Promise<string>;
  /** The words that make it tell its version. */
  readonly versionArgs: readonly string[];
  /** Its command line. It makes the device, and leaves addresses and routes to others. */
  args(settings: EngineSettings): Promise<readonly string[]>;
}
