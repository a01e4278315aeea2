/** Lines shown around a difference. */
const CONTEXT = 3;
/** Beyond this many cells of the table only the first differing line is looked for: a diff must not cost seconds. */
const MAX_CELLS = 1_000_000;

type Line = readonly [mark: " " | "-" | "+", text: string];

/** A value in words, keys sorted, so that equal structures read the same. */
export function format(value: unknown): string {
  return Deno.inspect(value, {
    depth: Infinity,
    sorted: true,
    trailingComma: true,
    compact: false,
    iterableLimit: Infinity,
    strAbbreviateSize: Infinity,
    getters: true,
  });
}

/** What differs, line by line: `-` is what came, `+` is what was expected. */
export function describeDifference(actual: unknown, expected: unknown): string {
  const isText = typeof actual === "string" && typeof expected === "string";
  const lines = (value: unknown) =>
    (isText ? value as string : bytesInRows(value) ?? format(value)).split("\n");
  const shown = nearDifferences(compareLines(lines(actual), lines(expected)));
  return `\n\n    [Diff] Actual / Expected\n\n\n${
    shown.map(([m, t]) => `${m}   ${t}`).join("\n")
  }\n`;
}

/** Bytes read better sixteen a row. */
function bytesInRows(value: unknown): string | undefined {
  if (!(value instanceof Uint8Array) || value.length <= 16) return undefined;
  const rows = [`Uint8Array(${value.length})`];
  for (let at = 0; at < value.length; at += 16) {
    const row = value.subarray(at, at + 16).toHex().replaceAll(/..(?=.)/g, "$& ");
    rows.push(`  ${at.toString(16).padStart(6, "0")}  ${row}`);
  }
  return rows.join("\n");
}

/** The shortest edit that common prefix, common suffix and a longest common subsequence between them give. */
function compareLines(actual: string[], expected: string[]): Line[] {
  let head = 0;
  while (head < actual.length && head < expected.length && actual[head] === expected[head]) head++;
  let tail = 0;
  const most = Math.min(actual.length, expected.length) - head;
  while (tail < most && actual.at(-1 - tail) === expected.at(-1 - tail)) tail++;
  return [
    ...actual.slice(0, head).map((text): Line => [" ", text]),
    ...editMiddle(
      actual.slice(head, actual.length - tail),
      expected.slice(head, expected.length - tail),
    ),
    ...actual.slice(actual.length - tail).map((text): Line => [" ", text]),
  ];
}

function editMiddle(a: string[], b: string[]): Line[] {
  const width = b.length + 1;
  if ((a.length + 1) * width > MAX_CELLS) {
    return [...a.map((text): Line => ["-", text]), ...b.map((text): Line => ["+", text])];
  }
  const common = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] = a[i] === b[j]
        ? common[(i + 1) * width + j + 1] + 1
        : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  const lines: Line[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push([" ", a[i]]);
      i++, j++;
    } else if (
      j === b.length ||
      (i < a.length && common[(i + 1) * width + j] >= common[i * width + j + 1])
    ) lines.push(["-", a[i++]]);
    else lines.push(["+", b[j++]]);
  }
  return lines;
}

function nearDifferences(lines: Line[]): Line[] {
  const keep = new Set<number>();
  lines.forEach(([mark], at) => {
    if (mark === " ") return;
    for (let near = at - CONTEXT; near <= at + CONTEXT; near++) keep.add(near);
  });
  const shown: Line[] = [];
  lines.forEach((line, at) => {
    if (keep.has(at)) shown.push(line);
    else if (keep.has(at - 1)) shown.push([" ", "..."]);
  });
  return shown;
}
