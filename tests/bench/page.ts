/**
 * Parts of a page that a program writes, between two marks.
 *
 * @module
 */

/** The page of this folder. */
export const PAGE = new URL("README.md", import.meta.url);

/** `page` with `text` as its part of that name. */
export function withPart(page: string, name: string, text: string): string {
  const begin = `<!-- ${name}: written by deno task bench -->`;
  const end = `<!-- end of ${name} -->`;
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) {
    throw new Error(`The page has no place for the ${name}: add "${begin}" and "${end}"`);
  }
  const kept = `<!-- deno-fmt-ignore-start -->\n\n${text}\n\n<!-- deno-fmt-ignore-end -->`;
  return `${page.slice(0, from + begin.length)}\n\n${kept}\n\n${page.slice(to)}`;
}
