/**
 * Where packets come from: the one interface that a TUN device, a foreign descriptor and the in-memory twin share.
 *
 * @module
 */

/**
 * A device of IP packets. It speaks *frames*: the ten bytes of a virtio-net header, then one packet
 * (`wire/virtio.ts`). Reads and writes never wait, so that a batch costs no promise.
 */
export interface Device extends AsyncDisposable {
  /** The interface's name, for instance `tun0`. */
  readonly name: string;
  /** The largest packet that may leave towards the program, in bytes. */
  readonly mtu: number;
  /** Whether written frames may leave checksums and TCP segmentation to the other side. */
  readonly offload: boolean;
  /** Whether they may in any case, because the device itself does what the other side does not. */
  readonly cuts?: boolean;
  /** Whether they may leave the cutting of many UDP datagrams, too (USO: Linux 6.2). Without it each datagram is a frame. */
  readonly udpOffload?: boolean;
  /** A buffer of `MAX_FRAME_LENGTH` bytes that frames are read into and written from with the least effort; any other will do. */
  readonly frame?: Uint8Array;
  /** Copies one waiting frame into `into` (at least `MAX_FRAME_LENGTH` bytes) and returns its length; 0 when none waits. */
  readFrame(into: Uint8Array): number;
  /** Writes the first `length` bytes of `frame`; false when the device had no room and the frame is lost. */
  writeFrame(frame: Uint8Array, length: number): boolean;
  /** Settles with true as soon as a frame waits, with false once the device is closed. */
  waitReadable(): Promise<boolean>;
  /** Packets from the program, one IP packet a chunk, checksums complete. For people who want to look: it is the slow road. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Packets to the program, one IP packet a chunk. */
  readonly writable: WritableStream<Uint8Array>;
  /** Closes the device. Closing twice does nothing. */
  close(): Promise<void>;
}
