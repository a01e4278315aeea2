/**
 * One HTTP/3 connection of either side (RFC 9114, sections 3 and 6): the streams that belong to no request, the peer's settings, and the datagrams.
 *
 * @module
 */

import { ERROR, fault, FRAME, type H3Fault } from "../masque/h3/codes.ts";
import { encodeIdFrame, RESET_TUNNEL } from "../masque/h3/control_reader.ts";
import { PeerStreams } from "../masque/h3/peer_streams.ts";
import { DEFAULT_SETTINGS, type H3Settings } from "../masque/h3/settings.ts";
import { parseQuicDatagram } from "../masque/datagram.ts";
import { DatagramSender } from "./datagram_sender.ts";
import { greeting } from "./greeting.ts";
import { Hearing } from "./hearing.ts";
import { H3Stream, type StreamHost, type TakeHead } from "./stream.ts";

/** What a connection is told, and whom it tells. */
export interface H3ConnectionOptions {
  /** Ours. */
  readonly side: "client" | "server";
  /** Bounds each field section, as it comes and as it is counted. */
  readonly maxHeadBytes: number;
  /** A server takes extended CONNECT. */
  readonly connectProtocol: boolean;
  /** Whether to take HTTP Datagrams beside the streams; true unless given. */
  readonly datagrams?: boolean;
  /** Whether to say that we take a stream cut off within a frame for a reset; true unless given, and false plays a peer that is not ours. */
  readonly tunnelResets?: boolean;
  /** A request came: makes the one who reads its head. To a client none may come. */
  onRequest?(open: (takeHead: TakeHead) => H3Stream): void;
  /** A stream has to be held until the connection ends, which it does as soon as no other is open: no further ones, please. */
  onHeld?(): void;
  /** It is over, and its streams are about to be broken off; `why` in half a sentence. */
  onOver?(why: string): void;
  /** The peer takes no stream of this number or above. */
  onGoaway?(id: number): void;
}

/** One connection. */
export class H3Connection {
  /** The peer's settings, once they are there; rejects with an `Error` when the connection ends before. */
  readonly settings: Promise<H3Settings>;
  /** Settles when the connection is over and nothing of it is under way; says why in half a sentence. */
  readonly closed: Promise<string>;
  /** What comes from the peer. */
  readonly hearing: Hearing = new Hearing();
  readonly #conn: Deno.QuicConn;
  readonly #options: H3ConnectionOptions;
  readonly #gotSettings = Promise.withResolvers<H3Settings>();
  readonly #peerStreams: PeerStreams;
  readonly #streams = new Map<number, H3Stream>();
  /** Streams that were broken off and must not end before the connection does. */
  readonly #held = new Set<H3Stream>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #datagrams: DatagramSender;
  readonly #host: StreamHost;
  #control: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #peer: H3Settings | undefined;
  #isOver = false;
  #why: string | undefined;

  /** Begins to speak on `conn`, whose ALPN is `h3`. */
  constructor(conn: Deno.QuicConn, options: H3ConnectionOptions) {
    this.#conn = conn;
    this.#options = options;
    this.#datagrams = new DatagramSender(conn);
    this.settings = this.#gotSettings.promise;
    this.settings.catch(() => {});
    this.#peerStreams = new PeerStreams(options.side, {
      settings: (settings) => this.#takeSettings(settings),
      goaway: (id) => options.onGoaway?.(id),
      reset: (id) => void this.#streams.get(id)?.breakOff("it broke the tunnel off"),
    });
    this.#host = this.#makeHost();
    this.closed = this.#run();
  }

  /** What the peer has said about itself so far. */
  get peer(): H3Settings {
    return this.#peer ?? DEFAULT_SETTINGS;
  }

  /** Whether nothing can go any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Opens a request stream; `undefined` when the peer allows no further one at the moment. Rejects when the connection is over. */
  async open(takeHead: TakeHead): Promise<H3Stream | undefined> {
    let stream: Deno.QuicBidirectionalStream;
    try {
      stream = await this.#conn.createBidirectionalStream();
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
    return this.#adopt(stream, takeHead);
  }

  /** Calls back after so long, unless the connection is over by then. */
  later(ms: number, callback: () => void): void {
    if (this.#isOver) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      callback();
    }, ms);
    this.#timers.add(timer);
  }

  /** Says that streams of this number and above are not served any more. */
  sendGoaway(id: number): void {
    this.#say(encodeIdFrame(FRAME.GOAWAY, id));
  }

  /** Ends the connection, and what is open on it. */
  close(code: number = ERROR.NO_ERROR, reason: string = ""): void {
    if (this.#isOver) return;
    this.#why ??= reason;
    this.#over();
    this.#conn.close({ closeCode: code, reason });
  }

  async #run(): Promise<string> {
    const loops = [this.#speak(), this.#hear(), this.#takeRequests(), this.#takeDatagrams()];
    let why: string;
    try {
      const { closeCode, reason } = await this.#conn.closed;
      why = `it closed the connection (code ${closeCode}${reason && `, ${reason}`})`;
    } catch (error) {
      why = `the connection to it broke (${(error as Error).message})`;
    }
    this.#why ??= why;
    this.#over();
    await Promise.allSettled(loops);
    return this.#why;
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onOver?.(this.#why ?? "");
    this.hearing.end();
    this.#gotSettings.reject(new Error(this.#why || "the connection was closed"));
    for (const timer of this.#timers) clearTimeout(timer);
    for (const stream of this.#streams.values()) stream.breakOff(this.#why!);
  }

  async #speak(): Promise<void> {
    const { side, maxHeadBytes, connectProtocol } = this.#options;
    const { datagrams = true, tunnelResets = true } = this.#options;
    const first = greeting({
      maxFieldSectionSize: maxHeadBytes,
      connectProtocol: side === "server" && connectProtocol,
      datagrams,
      tunnelResets,
    });
    try {
      const control = (await this.#conn.createUnidirectionalStream()).getWriter();
      control.closed.catch(() => {});
      await control.write(first.control);
      this.#control = control;
      const unknown = (await this.#conn.createUnidirectionalStream()).getWriter();
      unknown.closed.catch(() => {});
      await unknown.write(first.unknown);
      await unknown.close();
    } catch {
      // The connection is over, or the peer wants no such stream.
    }
  }

  #say(frame: Uint8Array): void {
    this.#control?.write(frame).catch(() => {}); // then the connection is over
  }

  async #hear(): Promise<void> {
    const reading = new Set<Promise<void>>();
    try {
      for await (const stream of this.#conn.incomingUnidirectionalStreams) {
        const one = this.#hearOne(stream).finally(() => reading.delete(one));
        reading.add(one);
      }
    } catch {
      // The connection is over.
    }
    await Promise.all(reading);
  }

  async #hearOne(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    const peer = this.#peerStreams.open();
    const reader = stream.getReader();
    try {
      for (;;) {
        const { value, done } = await reader.read();
        this.hearing.hear();
        const found = done ? peer.end() : peer.push(value);
        if (typeof found === "object") return this.#fail(found);
        if (done) return;
        if (found === "ignore") return void await reader.cancel();
      }
    } catch {
      const found = this.#isOver ? undefined : peer.end(); // reset, which is no better than an end
      if (found !== undefined) this.#fail(found);
    }
  }

  async #takeRequests(): Promise<void> {
    const { onRequest } = this.#options;
    try {
      for await (const stream of this.#conn.incomingBidirectionalStreams) {
        if (onRequest === undefined) {
          this.#fail(fault(ERROR.STREAM_CREATION_ERROR, "it opens a stream as a client does"));
          return;
        }
        onRequest((takeHead) => this.#adopt(stream, takeHead));
      }
    } catch {
      // The connection is over.
    }
  }

  async #takeDatagrams(): Promise<void> {
    try {
      for (;;) {
        const datagram = await this.#conn.readDatagram();
        this.hearing.hear();
        const head = parseQuicDatagram(datagram);
        if (head === undefined) {
          this.#fail(fault(ERROR.DATAGRAM_ERROR, "it sends a datagram for no stream"));
          return;
        }
        // One for a stream that is over, or has not come yet, is lost (RFC 9297, section 2.1).
        this.#streams.get(head.streamId)?.takeDatagram(datagram.subarray(head.length));
      }
    } catch {
      // The connection is over.
    }
  }

  #takeSettings(settings: H3Settings): H3Fault | undefined {
    this.#peer = settings;
    this.#gotSettings.resolve(settings);
    // RFC 9297, section 2.1.1: the setting without QUIC's own is a contradiction.
    if (settings.datagrams && this.#datagrams.maxBytes === 0) {
      return fault(ERROR.SETTINGS_ERROR, "it takes HTTP datagrams and none of QUIC");
    }
  }

  #adopt(stream: Deno.QuicBidirectionalStream, takeHead: TakeHead): H3Stream {
    const adopted = new H3Stream(stream, this.#host, takeHead);
    this.#streams.set(adopted.id, adopted);
    if (this.#isOver) adopted.breakOff(this.#why!);
    return adopted;
  }

  #endIfOnlyHeld(): void {
    if (this.#held.size === 0 || this.#streams.size > 0) return;
    this.close(ERROR.CONNECT_ERROR, "a tunnel was broken off");
  }

  #fail({ code, reason }: H3Fault): void {
    this.close(code, reason);
  }

  #makeHost(): StreamHost {
    // deno-lint-ignore no-this-alias
    const connection = this;
    return {
      maxHeadBytes: this.#options.maxHeadBytes,
      get knowsResets() {
        // Until its settings are there, nobody is accused of anything.
        return connection.#peer === undefined || connection.#peer.tunnelResets;
      },
      announceReset: (id) => {
        if (this.peer.tunnelResets) this.#say(encodeIdFrame(RESET_TUNNEL, id));
      },
      fail: (found) => this.#fail(found),
      heard: () => this.hearing.hear(),
      sendDatagram: (bytes, onLost) => {
        if (!this.peer.datagrams || bytes.length > this.#datagrams.maxBytes) return false;
        this.#datagrams.send(bytes, onLost);
        return true;
      },
      later: (ms, callback) => this.later(ms, callback),
      hold: (stream) => {
        this.#held.add(stream);
        this.#options.onHeld?.();
        this.#endIfOnlyHeld();
      },
      closed: ({ id }) => {
        this.#streams.delete(id);
        this.#endIfOnlyHeld();
      },
    };
  }
}
