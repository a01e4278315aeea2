/**
 * The throughput of a run as bars, in SVG that needs no script and no font of its own.
 *
 * @module
 */

import { mainMedian, type Report, type Result } from "./results.ts";

const WIDTH = 760;
const LABEL_WIDTH = 170;
const VALUE_WIDTH = 110;
const BAR = 16;
const GAP = 4;
const TITLE = 34;
const GROUP_GAP = 14;

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
  "h1-same-hop": "same, sing-box's proxy",
  "h2-tls": "PseudoTCP, HTTP/2, TLS",
  h3: "PseudoTCP, HTTP/3",
};
const HIDDEN = /^(direct|bare-|h2$|h1-tls|h1-no-offload)/;

/** Draws the works that are about speed, each as a group of bars. */
export function drawChart(report: Report): string {
  const groups = report.results.filter(({ work }) => /^(up|down) x/.test(work));
  const parts: string[] = [];
  let y = 44;
  for (const group of groups) {
    parts.push(text(0, y + 16, titleOf(group), 'font-weight="bold"'));
    y += TITLE - 8;
    const roads = Object.keys(group.values).filter((road) => !HIDDEN.test(road));
    const speeds = roads.map((road) => mainMedian(group, road) ?? 0);
    const scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / Math.max(...speeds, 0.001);
    roads.forEach((road, i) => {
      parts.push(bar(y, road, speeds[i], speeds[i] * scale));
      y += BAR + GAP;
    });
    y += GROUP_GAP;
  }
  const words = `${report.machine}; median of ${report.settings.rounds} runs by turns`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${
      y + 20
    }" font-family="sans-serif" font-size="12" role="img">`,
    `<title>Throughput through one proxy hop</title>`,
    `<style>text{fill:#1f2328}@media (prefers-color-scheme:dark){text{fill:#e6edf3}}</style>`,
    text(0, 18, "Throughput through one proxy hop, in Gbit/s", 'font-size="15"'),
    text(0, 36, escape(words), 'font-size="10"'),
    ...parts,
    text(0, y + 10, `${report.date.slice(0, 10)}, ${versionsOf(report)}`, 'font-size="10"'),
    "</svg>",
    "",
  ].join("\n");
}

function titleOf(group: Result): string {
  const [direction, count] = group.work.split(" x");
  const flows = count === "1" ? "one connection" : `${count} connections`;
  const direct = mainMedian(group, "direct");
  const beside = direct === undefined ? "" : ` (direct: ${direct.toFixed(1)})`;
  return `${direction === "up" ? "Upload" : "Download"}, ${flows}${beside}`;
}

function bar(y: number, road: string, speed: number, width: number): string {
  const colour = COLOURS[road] ?? PEER_COLOUR;
  return [
    text(LABEL_WIDTH - 8, y + 12, escape(NAMES[road] ?? road), 'text-anchor="end"'),
    `<rect x="${LABEL_WIDTH}" y="${y}" width="${
      width.toFixed(1)
    }" height="${BAR}" rx="2" fill="${colour}"/>`,
    text(LABEL_WIDTH + width + 6, y + 12, speed.toFixed(1)),
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
