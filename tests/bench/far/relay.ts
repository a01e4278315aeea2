/**
 * A long way on one machine: whatever comes is passed on as much later as light needs for it, in both directions, and as much may be
 * under way as a fast line holds.
 *
 *     relay.ts DELAY_MS PORT       to 127.0.0.1:PORT, for TCP and for UDP; prints the port at which it stands in
 *
 * @module
 */

/** What may be under way in one direction: 5 Gbit/s for 50 ms and as much again. A full line takes nothing more, as a socket does. */
const LINE_BYTES = 64 * 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;
const HOSTNAME = "127.0.0.1";

const delayMs = Number(Deno.args[0]);
const port = Number(Deno.args[1]);

/** One direction of a connection. */
async function carry(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const line: { readonly bytes: Uint8Array; readonly due: number }[] = [];
  let [held, isOver] = [0, false];
  let wake = () => {};
  const arrive = async () => {
    for (;;) {
      const next = line.shift();
      if (next === undefined) {
        if (isOver) return await to.closeWrite();
        await new Promise<void>((resolve) => wake = resolve);
        continue;
      }
      const early = next.due - performance.now();
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
      for (let at = 0; at < next.bytes.length;) at += await to.write(next.bytes.subarray(at));
      held -= next.bytes.length;
      wake();
    }
  };
  const depart = async () => {
    for (;;) {
      const bytes = new Uint8Array(CHUNK_BYTES);
      const count = await from.read(bytes);
      if (count === null) break;
      line.push({ bytes: bytes.subarray(0, count), due: performance.now() + delayMs });
      held += count;
      wake();
      while (held > LINE_BYTES) await new Promise<void>((resolve) => wake = resolve);
    }
    isOver = true;
    wake();
  };
  await Promise.all([depart(), arrive()]);
}

async function join(from: Deno.TcpConn): Promise<void> {
  using near = from;
  using far = await Deno.connect({ hostname: HOSTNAME, port });
  near.setNoDelay(true);
  far.setNoDelay(true);
  // An end in disorder is its sender's business.
  await Promise.allSettled([carry(near, far), carry(far, near)]);
}

/** All datagrams of one client: the far side answers to a socket of its own. */
function carryDatagrams(near: Deno.DatagramConn): void {
  const far = Deno.listenDatagram({ transport: "udp", hostname: HOSTNAME, port: 0 });
  const proxy = { transport: "udp" as const, hostname: HOSTNAME, port };
  let client: Deno.Addr | undefined;
  const carryFrom = async (from: Deno.DatagramConn, pass: (datagram: Uint8Array) => void) => {
    for await (const [datagram, sender] of from) {
      if (from === near) client = sender;
      setTimeout(() => pass(datagram), delayMs);
    }
  };
  void carryFrom(near, (datagram) => void far.send(datagram, proxy));
  void carryFrom(far, (datagram) => void near.send(datagram, client!));
}

const listener = Deno.listen({ hostname: HOSTNAME, port: 0 });
const address = { transport: "udp" as const, hostname: HOSTNAME, port: listener.addr.port };
carryDatagrams(Deno.listenDatagram(address));
console.log(`relaying ${listener.addr.port}`);
for await (const connection of listener) void join(connection);
