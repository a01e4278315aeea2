/**
 * Programs for the kernel's own machine (linux/bpf.h; Documentation/bpf/standardization/instruction-set.rst), as small as this room needs
 * them: an assembler for a handful of instructions, and the system call that loads what it makes.
 *
 * @module
 */

import { DeviceError } from "../errors.ts";
import { cString, EPERM, errorText, libc } from "./ffi.ts";

/** Eight bytes: operation, registers, offset, number. */
const INSTRUCTION_LENGTH = 8;

/** Loads of a packet's bytes as one number, most significant first; outside of the packet the program ends with 0. */
const LOAD = { 1: 0x30, 2: 0x28, 4: 0x20 } as const;
/** The same from register X on: an offset that the program has computed. */
const LOAD_FROM = { 2: 0x48, 4: 0x40 } as const;

/** Operations of 32 bits with a number, and with a register. */
const ALU = {
  add: 0x04,
  mul: 0x24,
  and: 0x54,
  lsh: 0x64,
  rsh: 0x74,
  xor: 0xa4,
  mov: 0xb4,
} as const;
const WITH_REGISTER = 0x08;
const MOV_64 = 0xbf;
const JUMP = { eq: 0x15, ne: 0x55, anyBit: 0x45 } as const;
const EXIT = 0x95;

const SYS_BPF: Readonly<Record<string, number>> = { x86_64: 321, aarch64: 280 };
const BPF_PROG_LOAD = 5;
const BPF_PROG_TYPE_SOCKET_FILTER = 1;
/** Bytes of `union bpf_attr` up to the fields that are used here. */
const ATTRIBUTES_LENGTH = 48;

/** Registers by what they are for. Loads leave their result in `result`, look for the packet in `packet`, and forget 1 to 5. */
export const REGISTER = { result: 0, packet: 6, hash: 7, offset: 8, scratch: 9 } as const;

/** A number that stands in the program, or the register that holds it. */
export type Operand = number | { readonly register: number };

/** A program in the making. */
export class BpfProgram {
  readonly #instructions:
    (readonly [code: number, registers: number, offset: number, n: number])[] = [];
  readonly #labels = new Map<string, number>();
  readonly #jumps: (readonly [from: number, label: string])[] = [];

  /** Begins with what every load needs: the packet in its register. */
  constructor() {
    this.#add(MOV_64, REGISTER.packet | (1 << 4), 0, 0);
  }

  /** result = bytes of the packet. */
  load(bytes: keyof typeof LOAD, at: number): this {
    return this.#add(LOAD[bytes], 0, 0, at);
  }

  /** result = bytes of the packet, `at` behind the offset in `register`. */
  loadFrom(bytes: keyof typeof LOAD_FROM, register: number, at: number): this {
    return this.#add(LOAD_FROM[bytes], register << 4, 0, at);
  }

  /** register = register OPERATION operand, in 32 bits. */
  alu(operation: keyof typeof ALU, register: number, operand: Operand): this {
    if (typeof operand === "number") return this.#add(ALU[operation], register, 0, operand);
    return this.#add(ALU[operation] | WITH_REGISTER, register | (operand.register << 4), 0, 0);
  }

  /** Goes on at the label when the comparison of the result with `n` holds. */
  jump(comparison: keyof typeof JUMP, n: number, label: string): this {
    this.#jumps.push([this.#instructions.length, label]);
    return this.#add(JUMP[comparison], REGISTER.result, 0, n);
  }

  /** Where jumps to `name` go on. */
  label(name: string): this {
    this.#labels.set(name, this.#instructions.length);
    return this;
  }

  /** Ends with the result. */
  exit(): this {
    return this.#add(EXIT, 0, 0, 0);
  }

  /** The program as the kernel takes it. */
  encode(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#instructions.length * INSTRUCTION_LENGTH);
    const view = new DataView(bytes.buffer);
    const targets = new Map(this.#jumps.map(([from, label]) => [from, this.#labels.get(label)!]));
    this.#instructions.forEach(([code, registers, offset, n], i) => {
      const at = i * INSTRUCTION_LENGTH;
      const target = targets.get(i);
      bytes[at] = code;
      bytes[at + 1] = registers;
      view.setInt16(at + 2, target === undefined ? offset : target - i - 1, true);
      view.setInt32(at + 4, n, true);
    });
    return bytes;
  }

  #add(code: number, registers: number, offset: number, n: number): this {
    this.#instructions.push([code, registers, offset, n]);
    return this;
  }
}

/**
 * Loads a program that looks at packets and answers with a number.
 *
 * @returns The descriptor of the program, for its user to close
 * @throws {DeviceError} `not-permitted` without CAP_BPF, `unsupported` when the kernel has no such machine or refuses the program
 */
export function loadBpf(program: BpfProgram): number {
  const c = libc();
  const code = program.encode();
  const license = cString("BSD");
  const attributes = new Uint8Array(ATTRIBUTES_LENGTH);
  const view = new DataView(attributes.buffer);
  view.setUint32(0, BPF_PROG_TYPE_SOCKET_FILTER, true);
  view.setUint32(4, code.length / INSTRUCTION_LENGTH, true);
  view.setBigUint64(8, addressOf(code), true);
  view.setBigUint64(16, addressOf(license), true);
  const fd = c.syscall(
    SYS_BPF[Deno.build.arch],
    BPF_PROG_LOAD,
    Number(addressOf(attributes)),
    ATTRIBUTES_LENGTH,
  );
  if (fd >= 0) return fd;
  const errno = c.errno();
  const why = errorText(errno);
  if (errno === EPERM) {
    throw new DeviceError(
      "not-permitted",
      `Cannot spread flows over workers: ${why}. Run as root or with CAP_BPF, or leave out --workers`,
    );
  }
  throw new DeviceError(
    "unsupported",
    `Cannot spread flows over workers: the kernel refuses the program that does it (${why}). Leave out --workers`,
  );
}

/** Valid as long as `bytes` is used later: the caller's variables see to it. */
function addressOf(bytes: Uint8Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
}
