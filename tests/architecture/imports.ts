/**
 * Finds what a file imports, in each of the five ways that TypeScript has for it.
 *
 * @module
 */

/** One import of a file. */
export interface Import {
  readonly specifier: string;
  /** Erased before the program runs. */
  readonly typesOnly: boolean;
  /** By `await import(...)`. */
  readonly lazy: boolean;
  readonly node: Deno.lint.Node;
}

/** Calls `found` for each import. An import with a computed name has the specifier `?`. */
export function importVisitor(found: (what: Import) => void): Deno.lint.LintVisitor {
  const text = (node: { value?: unknown; expression?: unknown } | null): string => {
    // `"npm:x@1" as string`: a name that Deno does not follow before it is needed.
    const { value } = (node?.expression ?? node ?? {}) as { value?: unknown };
    return typeof value === "string" ? value : "?";
  };
  return {
    ImportDeclaration(node) {
      const named = node.specifiers;
      const typesOnly = node.importKind === "type" || (named.length > 0 &&
        named.every((one) => one.type === "ImportSpecifier" && one.importKind === "type"));
      found({ specifier: text(node.source), typesOnly, lazy: false, node });
    },
    ExportNamedDeclaration(node) {
      if (!node.source) return;
      const typesOnly = node.exportKind === "type" || (node.specifiers.length > 0 &&
        node.specifiers.every((one) => one.exportKind === "type"));
      found({ specifier: text(node.source), typesOnly, lazy: false, node });
    },
    ExportAllDeclaration(node) {
      const typesOnly = node.exportKind === "type";
      found({ specifier: text(node.source), typesOnly, lazy: false, node });
    },
    ImportExpression(node) {
      found({
        specifier: text(node.source as { value?: unknown }),
        typesOnly: false,
        lazy: true,
        node,
      });
    },
    TSImportType(node) {
      const { literal } = node.argument as unknown as { literal?: { value?: unknown } };
      found({ specifier: text(literal ?? null), typesOnly: true, lazy: false, node });
    },
  };
}

/** The path of a relative specifier, from the root of the checkout. */
export function resolveImport(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}
