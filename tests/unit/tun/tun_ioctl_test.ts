import { assertEquals } from "@std/assert";
import type { Libc } from "../../../src/tun/ffi.ts";
import { speakFrames, TUNSETOFFLOAD, TUNSETVNETHDRSZ } from "../../../src/tun/tun_ioctl.ts";

const CSUM = 0x01;
const TCP = CSUM | 0x02 | 0x04 | 0x08;
const UDP = 0x20 | 0x40;

/** A kernel that knows only `known` offloads; keeps what it was asked. */
function kernel(known: number, asked: number[]): Libc {
  const calls: Partial<Libc> = {
    ioctl(_fd, request, bytes) {
      assertEquals([Number(request), bytes], [TUNSETVNETHDRSZ, Uint8Array.of(10, 0, 0, 0)]);
      return 0;
    },
    ioctlNumber(_fd, request, features) {
      assertEquals(request, TUNSETOFFLOAD);
      asked.push(features);
      return (features & ~known) === 0 ? 0 : -1;
    },
  };
  return calls as Libc;
}

for (
  const [what, known, steps] of [
    ["a kernel of today takes everything at once", TCP | UDP, [TCP | UDP]],
    ["a kernel before 6.2 keeps TCP", TCP, [TCP | UDP, TCP]],
    ["a kernel without segmentation keeps checksums", CSUM, [TCP | UDP, TCP, CSUM]],
    ["a kernel without offload hands over plain packets", 0, [TCP | UDP, TCP, CSUM, 0]],
  ] as const
) {
  Deno.test(what, () => {
    const asked: number[] = [];
    assertEquals(speakFrames(kernel(known, asked), 3), { udpOffload: known === (TCP | UDP) });
    assertEquals(asked, [...steps]);
  });
}

Deno.test("a kernel that keeps its header size is not spoken to", () => {
  const calls: Partial<Libc> = { ioctl: () => -1 };
  assertEquals(speakFrames(calls as Libc, 3), undefined);
});
