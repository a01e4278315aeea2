/**
 * One layer in a process of its own: prints what each of COUNT holds.
 *
 *     deno run -A --unstable-net --v8-flags=--expose-gc one.ts LAYER COUNT FAR [SNAPSHOT]
 *
 * @module
 */

import { writeHeapSnapshot } from "node:v8";
import { type Far, LAYERS } from "./layers.ts";
import { each, read } from "./reading.ts";

/** Code is compiled and tables get their first size before anything is measured. */
const WARM_UP = 500;

const [name, count, far, snapshot] = Deno.args;
const open = await LAYERS[name].prepare(JSON.parse(far) as Far);
await open(WARM_UP);
const before = await read();
await open(Number(count));
const after = await read();
if (snapshot !== undefined) writeHeapSnapshot(snapshot);
console.log(JSON.stringify(each(before, after, Number(count))));
Deno.exit(0);
