/**
 * The throughput of a run as bars, in SVG that needs no script and no font of its own.
 *
 * @module
 */

import { mainMedian, median, type Report, type Result } from "./results.ts";

const WIDTH = 760;
const MARGIN = 14;
const LABEL_WIDTH = 190;
const VALUE_WIDTH = 150;
const BAR = 14;
const ROW = 20;
const TITLE = 24;
const GROUP_GAP = 16;

/** Roads that a reader of the README asks about, with their colours; others stay in the JSON. */
const COLOURS: Readonly<Record<string, string>> = {
  h1: "#0b7285",
  "h1-same-hop": "#1098ad",
  "h2-tls": "#5c7cfa",
  h3: "#845ef7",
};
const PEER_COLOUR = "#adb5bd";
const NAMES: Readonly<Record<string, string>> = {
  h1: "PseudoTCP, HTTP/1.1",
  "h1-same-hop": "PseudoTCP, the peers' hop",
  "h2-tls": "PseudoTCP, HTTP/2, TLS",
  h3: "PseudoTCP, HTTP/3",
};
const HIDDEN = /^(direct|bare-|h2$|h1-(tls|no-offload|workers)$)/;

/** Draws the works that are about speed, each as a group of bars; all of them have one scale. */
export function drawChart(report: Report): string {
  const groups = report.results.filter(({ work }) => /^(up|down) x/.test(work));
  const most = Math.max(0.001, ...groups.flatMap((group) => rows(group).map(({ high }) => high)));
  const scale = (WIDTH - MARGIN - LABEL_WIDTH - VALUE_WIDTH) / most;
  const parts: string[] = [];
  let y = 62;
  for (const group of groups) {
    parts.push(text(MARGIN, y + 12, titleOf(group), 'font-weight="bold"'));
    y += TITLE;
    for (const row of rows(group)) {
      parts.push(bar(y, row, scale));
      y += ROW;
    }
    y += GROUP_GAP;
  }
  const { rounds, mtu } = report.settings;
  const runs = rounds === 1 ? "one run" : `median and range of ${rounds} runs by turns`;
  const words =
    `Gbit/s, ${runs}, and the engine's processor time; MTU ${mtu} here, what suits best for others`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${
      y + 22
    }" font-family="sans-serif" font-size="12" role="img">`,
    `<title>Throughput through one proxy hop</title>`,
    "<style>text{fill:#1f2328}.quiet{fill:#656d76}.range{stroke:#1f2328}" +
    "@media (prefers-color-scheme:dark){text{fill:#e6edf3}.quiet{fill:#8d96a0}.range{stroke:#e6edf3}}</style>",
    text(MARGIN, 24, "Throughput through one proxy hop", 'font-size="16" font-weight="bold"'),
    text(MARGIN, 42, words, 'font-size="10.5" class="quiet"'),
    ...parts,
    text(MARGIN, y, escape(report.machine), 'font-size="10" class="quiet"'),
    text(
      MARGIN,
      y + 14,
      `${report.date.slice(0, 10)}, ${versionsOf(report)}`,
      'font-size="10" class="quiet"',
    ),
    "</svg>",
    "",
  ].join("\n");
}

/** One bar. */
interface Row {
  readonly road: string;
  readonly speed: number;
  readonly low: number;
  readonly high: number;
  /** What the engine's processor spent on a gibibyte, in seconds. */
  readonly cost?: number;
}

/** The roads that are shown, but those that brought no figure. */
function rows(group: Result): Row[] {
  return Object.entries(group.values).flatMap(([road, values]) => {
    const speed = mainMedian(group, road);
    if (HIDDEN.test(road) || speed === undefined) return [];
    const [low, high] = [Math.min(...values.speed), Math.max(...values.speed)];
    return [{ road, speed, low, high, cost: median(values.engine) }];
  });
}

function titleOf(group: Result): string {
  const [direction, count] = group.work.split(" x");
  const flows = count === "1" ? "one connection" : `${count} connections`;
  const direct = mainMedian(group, "direct");
  const beside = direct === undefined ? "" : ` (without a proxy: ${direct.toFixed(1)})`;
  return `${direction === "up" ? "Upload" : "Download"}, ${flows}${beside}`;
}

function bar(y: number, { road, speed, low, high, cost }: Row, scale: number): string {
  const colour = COLOURS[road] ?? PEER_COLOUR;
  const left = MARGIN + LABEL_WIDTH;
  const at = (value: number) => (left + value * scale).toFixed(1);
  const middle = y + BAR / 2;
  const costs = cost === undefined ? "" : `${cost.toFixed(2)} s/GiB`;
  return [
    text(left - 8, y + 11, escape(NAMES[road] ?? road), 'text-anchor="end"'),
    `<rect x="${left}" y="${y}" width="${
      (speed * scale).toFixed(1)
    }" height="${BAR}" rx="2" fill="${colour}"/>`,
    `<line x1="${at(low)}" x2="${
      at(high)
    }" y1="${middle}" y2="${middle}" class="range" opacity="0.6"/>`,
    text(left + high * scale + 8, y + 11, speed.toFixed(1), 'font-weight="bold"'),
    text(WIDTH - MARGIN, y + 11, costs, 'text-anchor="end" class="quiet"'),
  ].join("");
}

function versionsOf({ versions }: Report): string {
  return escape(Object.entries(versions).map(([name, text]) => `${name} ${text}`).join(", "));
}

function text(x: number, y: number, words: string, attributes = ""): string {
  return `<text x="${x.toFixed(0)}" y="${y}" ${attributes}>${words}</text>`;
}

function escape(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
