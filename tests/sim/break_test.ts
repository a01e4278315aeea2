import { seededDice, seededRandom } from "../unit/random.ts";
import { App } from "./app.ts";
import { EndpointHost, StackHost } from "./hosts.ts";
import { delay, duplicate, loss, type Node, reorder } from "./link.ts";
import { World } from "./world.ts";

/** Both sides talk, and at some moment one of them breaks the connection off in one of the ways there are. */
function breakOff(seed: number): void {
  const dice = seededDice(seed);
  const random = seededRandom(seed);
  const both = { sendBytes: 50_000, expectBytes: 50_000, maxWriteBytes: 5000 };
  const pauses = {
    readPauseMs: dice.pick([0, 5]),
    writePauseMs: dice.pick([0, 5]),
    answers: false,
  };
  const apps = [0, 1].map((side) => new App({ ...both, ...pauses, side }, random));
  const options = { mtu: 1500, offload: false, secret: dice.bytes(16) };
  const stack = new StackHost(options, apps[1], dice.pick([0, 40]));
  const peer = new EndpointHost({}, apps[0]);
  const link = (): Node[] => [delay(10), reorder(0.1, 5), duplicate(0.05), loss(0.05)];
  const world = new World(seed, [peer, stack], [link(), link()]);
  world.run(dice.int(200));
  const { endpoint } = peer.client;
  const now = world.now;
  for (const app of apps) app.stop();
  dice.pick([
    () => stack.stack.reset(stack.id),
    () => stack.stack.refuse(stack.id, "reset"),
    () => endpoint.reset(),
    () => {
      stack.stack.stopReading(stack.id, now);
      stack.stack.closeWrite(stack.id);
    },
    () => {
      endpoint.stopReading(now);
      endpoint.closeWrite();
    },
    () => world.cut(),
  ])();
  // What nobody will read any more is let go, as the owner of a flow does that has ended.
  world.run(now + 5000);
  stack.stack.stopReading(stack.id, world.now);
  stack.stack.closeWrite(stack.id);
  endpoint.stopReading(world.now);
  endpoint.closeWrite();
  world.run(now + 600_000);
  const left = [stack.stack.flowCount, stack.stack.nextTimeout(), peer.nextTimeout()];
  if (left.join() !== "0,Infinity,Infinity") throw new Error(`Left: ${left}`);
}

Deno.test("whoever breaks off, when and how, nothing is left on either side", () => {
  for (let seed = 1; seed <= 200; seed++) {
    try {
      breakOff(seed);
    } catch (error) {
      throw new Error(`With seed ${seed}`, { cause: error });
    }
  }
});
