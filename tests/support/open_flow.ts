/**
 * A flow without a kernel: a program at the far end of an in-memory device, whose side of the connection is a pair of streams too.
 *
 * @module
 */

import { type Flow, PseudoTcp, type PseudoTcpOptions } from "../../mod.ts";
import { type MemoryDevice, memoryDevice } from "../../src/tun/memory.ts";
import { MAX_FRAME_LENGTH } from "../../src/wire/virtio.ts";
import { ClientHost } from "./client_host.ts";

/** Both ends of a connection. */
export interface OpenFlow extends AsyncDisposable {
  /** Our end. */
  readonly flow: Flow;
  /** The program's end. */
  readonly program: Program;
  readonly stack: PseudoTcp;
}

/** Opens a connection through a stack of its own. */
export async function openFlow(options: PseudoTcpOptions = {}): Promise<OpenFlow> {
  const { device, far } = memoryDevice({ offload: false });
  const stack = new PseudoTcp(options);
  const attached = stack.attach(device);
  const program = new Program(far);
  const requests = stack.flows.getReader();
  const { value: request } = await requests.read();
  const flow = request!.accept();
  return {
    flow,
    program,
    stack,
    async [Symbol.asyncDispose]() {
      requests.releaseLock();
      await stack.close();
      await device.close();
      await attached;
      await program.ended;
    },
  };
}

/** What a program has of its connection. It lives until the device is closed. */
export class Program implements ReadableWritablePair<Uint8Array, Uint8Array> {
  /** What it hears. Errors on a reset. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What it says. Close sends FIN, abort RST. */
  readonly writable: WritableStream<Uint8Array>;
  /** Settles when the device is closed. */
  readonly ended: Promise<void>;
  readonly #far: MemoryDevice;
  readonly #client = new ClientHost();
  readonly #frame = new Uint8Array(MAX_FRAME_LENGTH);
  readonly #established = Promise.withResolvers<void>();
  #hears!: ReadableStreamDefaultController<Uint8Array>;
  #isOver = false;

  constructor(far: MemoryDevice) {
    this.#far = far;
    this.readable = new ReadableStream({ start: (controller) => void (this.#hears = controller) });
    this.writable = new WritableStream({
      write: (chunk) => this.#act(() => void this.#client.endpoint.write(chunk.slice())),
      close: () => this.#act(() => this.#client.endpoint.closeWrite()),
      abort: () => this.#act(() => this.#client.endpoint.reset()),
    });
    this.ended = this.#live();
  }

  async #act(act: () => void): Promise<void> {
    await this.#established.promise;
    act();
    this.#turn();
  }

  async #live(): Promise<void> {
    this.#turn();
    while (await this.#far.waitReadable()) {
      const length = this.#far.readFrame(this.#frame);
      if (length > 0) this.#client.take(this.#frame.slice(0, length), performance.now());
      this.#turn();
    }
  }

  /** Says what is to be said, and hears what there is. */
  #turn(): void {
    const { endpoint } = this.#client;
    for (;;) {
      for (const frame of this.#client.poll(performance.now())) {
        this.#far.writeFrame(frame, frame.length);
      }
      if (endpoint.state === "SYN-SENT") return;
      this.#established.resolve();
      const read = endpoint.read();
      if (read instanceof Uint8Array) this.#hears.enqueue(read);
      else return this.#over(read);
    }
  }

  #over(end: "wait" | "end" | "reset"): void {
    if (end === "wait" || this.#isOver) return;
    this.#isOver = true;
    if (end === "end") this.#hears.close();
    else this.#hears.error(new Error("The connection was reset"));
  }
}
