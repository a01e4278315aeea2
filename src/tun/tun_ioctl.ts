/**
 * The questions and orders of `/dev/net/tun` (linux/if_tun.h; Documentation/networking/tuntap.rst), and the one
 * decision that opening and adopting share: what the kernel may leave undone on the packets that it hands over.
 *
 * @module
 */

import { FRAME_HEADER_LENGTH } from "../wire/virtio.ts";
import type { Libc } from "./ffi.ts";

/** Attaches the descriptor to an interface: `_IOW('T', 202, int)`. */
export const TUNSETIFF = 0x400454ca;
/** What the kernel knows: `_IOR('T', 207, unsigned int)`. */
export const TUNGETFEATURES = 0x800454cf;
/** What may be left undone: `_IOW('T', 208, unsigned int)`. */
export const TUNSETOFFLOAD = 0x400454d0;
/** Name and flags of the interface behind the descriptor: `_IOR('T', 210, unsigned int)`. */
export const TUNGETIFF = 0x800454d2;
/** Bytes of the header in front of each packet: `_IOW('T', 216, int)`. */
export const TUNSETVNETHDRSZ = 0x400454d8;
/** The program that chooses the queue of a packet: `_IOR('T', 224, int)`, which writes although its name reads. */
export const TUNSETSTEERINGEBPF = 0x800454e0;

/** IP packets, no Ethernet. */
export const IFF_TUN = 0x0001;
/** No four bytes of protocol information in front. */
export const IFF_NO_PI = 0x1000;
/** One queue of several: each open descriptor has its own. */
export const IFF_MULTI_QUEUE = 0x0100;
/** A virtio-net header in front. */
export const IFF_VNET_HDR = 0x4000;

const TUN_F_CSUM = 0x01;
const TUN_F_TSO4 = 0x02;
const TUN_F_TSO6 = 0x04;
const TUN_F_TSO_ECN = 0x08;
/** UDP segmentation, Linux 6.2: an older kernel refuses the whole set for it. */
const TUN_F_USO4 = 0x20;
const TUN_F_USO6 = 0x40;

const TCP_OFFLOADS = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
const ALL_OFFLOADS = TCP_OFFLOADS | TUN_F_USO4 | TUN_F_USO6;
/** From the best to nothing: packets to the program may leave checksums and TCP segmentation to the kernel in every case. */
const OFFLOAD_STEPS = [ALL_OFFLOADS, TCP_OFFLOADS, TUN_F_CSUM, 0];

/** How a kernel speaks frames. */
export interface FrameSpeech {
  /** It cuts and joins UDP super-packets: the kernel that takes these flags is the one that can (Linux 6.2). */
  readonly udpOffload: boolean;
}

/**
 * Makes a descriptor with IFF_VNET_HDR speak frames: a header of ten bytes, and as much offload as the kernel knows.
 *
 * @returns Undefined when the kernel refuses even the header's size, which then is unknown
 */
export function speakFrames(c: Libc, fd: number): FrameSpeech | undefined {
  const size = new Uint8Array(4);
  new DataView(size.buffer).setInt32(0, FRAME_HEADER_LENGTH, true);
  if (c.ioctl(fd, TUNSETVNETHDRSZ, size) < 0) return undefined;
  const isTaken = (features: number) => c.ioctlNumber(fd, TUNSETOFFLOAD, features) === 0;
  return { udpOffload: OFFLOAD_STEPS.find(isTaken) === ALL_OFFLOADS };
}
