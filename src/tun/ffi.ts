/**
 * The C library as this room needs it: a handful of calls through `Deno.dlopen`, for Linux on x86-64 and AArch64.
 * Needs `--allow-ffi`. Everything is synchronous except {@linkcode Libc.poll}, the one place where a thread waits.
 *
 * Variadic functions (`open`, `ioctl`, `fcntl`, `syscall`) are called as if they were not: on Linux both
 * architectures pass such arguments in the same registers.
 *
 * @module
 */

import { type CLibrary, openCLibrary } from "../c_library.ts";
import { DeviceError } from "../errors.ts";

const SYMBOLS = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  // ssize_t, but no count here comes near 2^31, and an i64 would arrive as a bigint.
  // Nor does a size, and as a `usize` it would double what the call costs beside the system call (0.3 us, Deno 2.9.6): a register holds either.
  read: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  ioctl: { parameters: ["i32", "usize", "buffer"], result: "i32" },
  ioctlNumber: { name: "ioctl", parameters: ["i32", "usize", "usize"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32", nonblocking: true },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  setns: { parameters: ["i32", "i32"], result: "i32" },
  syscall: { parameters: ["usize", "usize", "usize", "usize"], result: "i32" },
  mount: { parameters: ["buffer", "buffer", "buffer", "usize", "pointer"], result: "i32" },
  capset: { parameters: ["buffer", "buffer"], result: "i32" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  signal: { parameters: ["i32", "pointer"], result: "pointer" },
  execvp: { parameters: ["buffer", "buffer"], result: "i32" },
  strerror: { parameters: ["i32"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions of the C library, as Deno calls them. */
export type Libc = CLibrary<typeof SYMBOLS>;

/** Flags of `open` (asm-generic/fcntl.h, the same on both architectures). */
export const O_RDONLY = 0;
/** Reading and writing. */
export const O_RDWR = 2;
/** Never wait. */
export const O_NONBLOCK = 0o4000;
/** Not for programs that are started later. */
export const O_CLOEXEC = 0o2000000;

/** Commands of `fcntl` (asm-generic/fcntl.h). */
export const F_DUPFD_CLOEXEC = 1030;
/** Sets the descriptor flag. */
export const F_SETFD = 2;
/** Reads the status flags. */
export const F_GETFL = 3;
/** Sets the status flags. */
export const F_SETFL = 4;
/** The one descriptor flag. */
export const FD_CLOEXEC = 1;

/** Events of `poll` (asm-generic/poll.h). */
export const POLLIN = 1;

/** Error numbers (asm-generic/errno-base.h and errno.h). */
export const EPERM = 1;
/** No such file. */
export const ENOENT = 2;
/** No such device or address. */
export const ENXIO = 6;
/** Try again: nothing waits. */
export const EAGAIN = 11;
/** Permission denied. */
export const EACCES = 13;
/** Taken. */
export const EBUSY = 16;
/** Already there. */
export const EEXIST = 17;
/** No such device. */
export const ENODEV = 19;
/** Not a directory. */
export const ENOTDIR = 20;
/** Makes no sense to the kernel. */
export const EINVAL = 22;

/** System calls without a wrapper in older C libraries; one number for both architectures (asm-generic/unistd.h). */
export const SYS_PIDFD_OPEN = 434;
/** Duplicates another process's descriptor (Linux 5.6). */
export const SYS_PIDFD_GETFD = 438;

let opened: Libc | undefined;

/**
 * The C library, opened at the first call and kept for the life of the program.
 *
 * @throws {DeviceError} `unsupported` on another system than Linux, `not-permitted` without `--allow-ffi`
 */
export function libc(): Libc {
  return opened ??= load();
}

function load(): Libc {
  if (Deno.build.os !== "linux") {
    throw new DeviceError(
      "unsupported",
      `Cannot open a TUN device on "${Deno.build.os}": only Linux is supported, so use a Linux machine, a VM or a container`,
    );
  }
  try {
    return openCLibrary(SYMBOLS);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) {
      throw new DeviceError(
        "not-permitted",
        "Cannot reach the kernel's TUN device without FFI: run Deno with --allow-ffi",
        { cause },
      );
    }
    throw new DeviceError("unsupported", "Cannot load the C library", { cause });
  }
}

/** Text as C wants it: UTF-8 and a final zero byte. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/** What the C library says about an error number, for instance `Device or resource busy`. */
export function errorText(errno: number): string {
  const text = libc().strerror(errno);
  return text === null ? `error ${errno}` : Deno.UnsafePointerView.getCString(text);
}
