import { assert, assertEquals, assertRejects } from "@std/assert";
import { Pool, type PoolMember } from "../../../src/tunnel/pool.ts";

class Member implements PoolMember {
  active = 0;
  closed = false;
  constructor(readonly limit: number) {}
  get room(): number {
    return this.limit - this.active;
  }
  reserve(): void {
    this.active++;
  }
  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

const forever = new AbortController().signal;
const full = () => new Error("full");

Deno.test("Every waiter is served, by no more connections than the bound", async () => {
  const made: Member[] = [];
  const open = () => {
    made.push(new Member(3));
    return Promise.resolve(made.at(-1)!);
  };
  const pool = new Pool(open, full, { members: 4, waiting: 100 });
  const taken = await Promise.all(Array.from({ length: 12 }, () => pool.take(forever)));
  assertEquals(taken.length, 12);
  assert(made.length <= 4 && made.every((member) => member.active <= 3));
  await assertRejects(() => pool.take(forever), Error, "full");
  taken[0].active--;
  pool.released(taken[0]);
  assertEquals(await pool.take(forever), taken[0]);
});

Deno.test("When no connection opens, every waiter learns why, and a later one tries again", async () => {
  let fail = true;
  const open = () => fail ? Promise.reject(new Error("no way")) : Promise.resolve(new Member(2));
  const pool = new Pool(open, full);
  const waiting = [pool.take(forever), pool.take(forever)];
  for (const waiter of waiting) await assertRejects(() => waiter, Error, "no way");
  fail = false;
  assertEquals((await pool.take(forever)).active, 1);
});

Deno.test("A waiter that gives up leaves its place", async () => {
  const opened = Promise.withResolvers<Member>();
  const pool = new Pool(() => opened.promise, full);
  const patience = new AbortController();
  const waiter = pool.take(patience.signal);
  patience.abort(new Error("enough"));
  await assertRejects(() => waiter, Error, "enough");
  const member = new Member(5);
  opened.resolve(member);
  await pool.take(forever);
  assertEquals(member.active, 1);
});

Deno.test("The number of waiters is bounded", async () => {
  const opened = Promise.withResolvers<Member>();
  const pool = new Pool(() => opened.promise, full, { members: 1, waiting: 1 });
  const first = pool.take(forever);
  await assertRejects(() => pool.take(forever), Error, "full");
  opened.resolve(new Member(1));
  await first;
});

Deno.test("A connection that opens after close is closed again", async () => {
  const opened = Promise.withResolvers<Member>();
  const pool = new Pool(() => opened.promise, full);
  const waiter = pool.take(forever);
  await pool.close(new Error("over"));
  await assertRejects(() => waiter, Error, "over");
  const member = new Member(1);
  opened.resolve(member);
  await opened.promise;
  await Promise.resolve();
  assert(member.closed);
});
