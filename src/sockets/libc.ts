/**
 * The C library as UDP sockets need it, for Linux on x86-64 and AArch64. All calls are synchronous and never wait, except `epollWaitLong`, which waits
 * on a thread of its own.
 *
 * @module
 */

import { type CLibrary, openCLibrary } from "../c_library.ts";

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  // ssize_t, but no count here comes near 2^31, and an i64 would arrive as a bigint.
  // Sizes as `u32`, which a register holds as well: a `usize` doubles what a call costs beside the system call (0.3 us, Deno 2.9.6).
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "u32", "i32", "buffer", "u32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  recvfrom: { parameters: ["i32", "buffer", "u32", "i32", "buffer", "buffer"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  epollWaitLong: {
    name: "epoll_wait",
    parameters: ["i32", "buffer", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "u32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions of the C library. */
export type Libc = CLibrary<typeof SYMBOLS>;

/** Address families (bits/socket.h). */
export const AF_INET = 2;
/** IPv6. */
export const AF_INET6 = 10;
/** A datagram socket that never waits and is not for programs started later. */
export const SOCK_DGRAM_NONBLOCK_CLOEXEC: number = 2 | 0o4000 | 0o2000000;
/** `epoll_create1` and `eventfd`: not for programs started later; `eventfd` never waits. */
export const EPOLL_CLOEXEC = 0o2000000;
/** Never wait. */
export const EFD_NONBLOCK = 0o4000;
/** Operations of `epoll_ctl`. */
export const EPOLL_CTL_ADD = 1;
/** Takes a descriptor out. */
export const EPOLL_CTL_DEL = 2;
/** Something to read. An error is told without being asked for. */
export const EPOLLIN = 1;
/** Socket options (asm-generic/socket.h). */
export const SOL_SOCKET = 1;
/** Room for what comes. */
export const SO_RCVBUF = 8;
/** For IPv6 alone: `IPPROTO_IPV6`. */
export const IPPROTO_IPV6 = 41;
/** No IPv4 through an IPv6 socket. */
export const IPV6_V6ONLY = 26;

/** Error numbers (asm-generic/errno.h), by name. */
const ERRNO: Readonly<Record<number, string>> = {
  1: "EPERM",
  4: "EINTR",
  11: "EAGAIN",
  13: "EACCES",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  90: "EMSGSIZE",
  97: "EAFNOSUPPORT",
  98: "EADDRINUSE",
  99: "EADDRNOTAVAIL",
  100: "ENETDOWN",
  101: "ENETUNREACH",
  105: "ENOBUFS",
  111: "ECONNREFUSED",
  112: "EHOSTDOWN",
  113: "EHOSTUNREACH",
};

let opened: Libc | undefined;
let failed = false;

/** Whether sockets can be had through FFI; opens the library at the first call and keeps it for the life of the program. */
export function ffiIsUsable(): boolean {
  if (opened !== undefined || failed) return opened !== undefined;
  // Asked for rather than tried: a library must not make the runtime prompt for a permission that it can do without.
  failed = Deno.build.os !== "linux" ||
    Deno.permissions.querySync({ name: "ffi" }).state !== "granted";
  if (failed) return false;
  try {
    opened = openCLibrary(SYMBOLS);
  } catch {
    failed = true; // then without
  }
  return !failed;
}

/** The C library. Only after {@linkcode ffiIsUsable} has said so. */
export function libc(): Libc {
  return opened!;
}

/** The name of the latest failed call's error: ask before anything else is called. */
export function errnoName(): string {
  const number = libc().errno();
  return ERRNO[number] ?? `errno ${number}`;
}

/** An `Error` with a `code`, as `node:net` has them. */
export function systemError(what: string, code: string = errnoName()): Error {
  return Object.assign(new Error(`Cannot ${what}: ${code}`), { code });
}
