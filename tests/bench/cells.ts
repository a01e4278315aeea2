/**
 * Tables of a few rows, for the terminal and for a page.
 *
 * @module
 */

/** A head, and rows of as many cells. */
export type Cells = readonly (readonly string[])[];

/** In columns of spaces: the first `words` columns to the left, figures to the right. */
export function asText(cells: Cells, words = 2): string {
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const pad = (text: string, column: number) =>
    column < words ? text.padEnd(widths[column]) : text.padStart(widths[column]);
  return cells.map((row) => row.map(pad).join("  ").trimEnd()).join("\n") + "\n";
}

/** In Markdown. */
export function asMarkdown([head, ...rows]: Cells, words = 2): string {
  const rule = head.map((_, column) => column < words ? "---" : "--:");
  return [head, rule, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}
