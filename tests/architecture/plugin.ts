/**
 * The house rules as a plugin of `deno lint`: an editor shows them while one types, and a test shows that they bite.
 * They hold for `src` and `mod.ts`.
 *
 * @module
 */

import { importVisitor, resolveImport } from "./imports.ts";
import {
  FORBIDDEN_IN_PURE,
  isPure,
  MAX_FILE_LINES,
  MAX_FUNCTION_LINES,
  mayImport,
  roomOf,
} from "./rules.ts";

type Context = Deno.lint.RuleContext;
type Visitor = Deno.lint.LintVisitor;

const ROOT = new URL("../../", import.meta.url).pathname;

/** The rules; each looks at one file. */
const plugin: Deno.lint.Plugin = {
  name: "house",
  rules: {
    arrows: inLibrary(arrows),
    pure: inLibrary(pure),
    console: inLibrary(onlyTheCommandLineSpeaks),
    size: inLibrary(size),
    opening: inLibrary(opening),
    documented: inLibrary(documented),
    shape: inLibrary(shape),
  },
};
export default plugin; // the shape that `deno lint` asks of a plugin

/** A rule for the files of the library, which gets the path from the root of the checkout. */
function inLibrary(create: (context: Context, path: string) => Visitor): Deno.lint.Rule {
  return {
    create(context) {
      const path = context.filename.replace(ROOT, "");
      return roomOf(path) === undefined ? {} : create(context, path);
    },
  };
}

function arrows(context: Context, path: string): Visitor {
  return importVisitor(({ specifier, typesOnly, lazy, node }) => {
    const message = objectTo(path, specifier, typesOnly, lazy);
    if (message !== undefined) context.report({ node, message });
  });
}

function objectTo(path: string, specifier: string, typesOnly: boolean, lazy: boolean) {
  if (/^\.\.?\//.test(specifier)) {
    const target = resolveImport(path, specifier);
    if (roomOf(target) === undefined) return `"${specifier}" lies outside of src`;
    if (path === "mod.ts" && lazy && roomOf(target) === "cli") return undefined; // only when mod.ts is the program
    if (mayImport(path, target, typesOnly)) return undefined;
    const what = typesOnly ? "" : ", or not more than its types";
    return `${path} may not import "${target}"${what}: see ARROWS in tests/architecture/rules.ts`;
  }
  if (specifier.startsWith("node:")) {
    return isPure(path) && !typesOnly ? `A pure room may not import "${specifier}"` : undefined;
  }
  if (/^npm:(@[^/]+\/)?[^@/]+@\d[^/]*/.test(specifier)) {
    return lazy || typesOnly ? undefined : `Import "${specifier}" lazily: only some users need it`;
  }
  return `Import a relative path, node: or npm:name@version: "${specifier}" breaks who imports us by URL`;
}

function pure(context: Context, path: string): Visitor {
  if (!isPure(path)) return {};
  const report = (node: Deno.lint.Node, what: string) =>
    context.report({ node, message: `A pure room has no ${what}: let it come in as an argument` });
  const noAsync = (node: Deno.lint.Node & { async: boolean }) => {
    if (node.async) report(node, "async function");
  };
  return {
    FunctionDeclaration: noAsync,
    FunctionExpression: noAsync,
    ArrowFunctionExpression: noAsync,
    AwaitExpression: (node) => report(node, "await"),
    ImportExpression: (node) => report(node, "import()"),
    Identifier(node) {
      if (FORBIDDEN_IN_PURE.has(node.name) && !isMemberName(node)) report(node, node.name);
    },
    MemberExpression(node) {
      if (context.sourceCode.getText(node) === "Math.random") report(node, "Math.random");
    },
  };
}

/** Whether an identifier only names a member, as `b` in `a.b`, in `{ b: 1 }` and in `{ b(): void }`. */
function isMemberName(node: Deno.lint.Identifier): boolean {
  const parent = node.parent as unknown as Record<string, unknown> & { computed?: boolean };
  const isIt = (other: unknown) =>
    (other as Deno.lint.Node | undefined)?.range?.[0] === node.range[0] &&
    (other as Deno.lint.Node | undefined)?.range?.[1] === node.range[1];
  if (parent.computed) return false;
  if (parent.shorthand) return false;
  return isIt(parent.property) || isIt(parent.key);
}

function onlyTheCommandLineSpeaks(context: Context, path: string): Visitor {
  if (roomOf(path) === "cli") return {};
  return {
    Identifier(node) {
      if (node.name !== "console" || isMemberName(node)) return;
      context.report({ node, message: "Only src/cli writes to the console: take a Log" });
    },
  };
}

function size(context: Context): Visitor {
  const lines = (node: Deno.lint.Node) => context.sourceCode.getText(node).split("\n").length;
  const measure = (node: Deno.lint.Node) => {
    const has = lines(node);
    if (has <= MAX_FUNCTION_LINES) return;
    context.report({
      node,
      message: `A function has at most ${MAX_FUNCTION_LINES} lines, this one has ${has}`,
    });
  };
  return {
    FunctionDeclaration: measure,
    FunctionExpression: measure,
    ArrowFunctionExpression: measure,
    Program(node) {
      const has = context.sourceCode.text.trimEnd().split("\n").length;
      if (has <= MAX_FILE_LINES) return;
      context.report({
        node,
        message: `A file has at most ${MAX_FILE_LINES} lines, this one has ${has}`,
      });
    },
  };
}

function opening(context: Context): Visitor {
  return {
    Program(node) {
      const { text } = context.sourceCode;
      const comment = /^(?:#![^\n]*\n)?\s*\/\*\*[^]*?\*\//.exec(text)?.[0];
      if (comment?.includes("@module")) return;
      context.report({
        node,
        message: "Open the file with a comment that says what lives here, and ends with @module",
      });
    },
  };
}

function documented(context: Context): Visitor {
  let before: string | undefined;
  return {
    ExportNamedDeclaration(node) {
      const { declaration } = node;
      if (!declaration) return;
      const name = "id" in declaration ? context.sourceCode.getText(declaration.id!) : "";
      const isOverload = name !== "" && name === before;
      before = name;
      const text = context.sourceCode.text.slice(0, node.range[0]).trimEnd();
      const comment = text.endsWith("*/") ? text.slice(text.lastIndexOf("/**")) : "";
      if (isOverload || (comment.startsWith("/**") && !comment.includes("@module"))) return;
      context.report({ node, message: "Say in one sentence what is exported here: /** ... */" });
    },
  };
}

function shape(context: Context, path: string): Visitor {
  const report = (node: Deno.lint.Node, message: string) => context.report({ node, message });
  return {
    ExportDefaultDeclaration: (node) => report(node, "Export by name"),
    ExportAllDeclaration(node) {
      if (path !== "mod.ts") report(node, "No barrels inside src: import from the file itself");
    },
    TSEnumDeclaration: (node) =>
      report(node, "Use a union or a const object: an enum is not erased"),
    MethodDefinition(node) {
      if (node.accessibility) {
        report(node, `Use # for what is private, and no "${node.accessibility}"`);
      }
    },
    PropertyDefinition(node) {
      if (node.accessibility) {
        report(node, `Use # for what is private, and no "${node.accessibility}"`);
      }
    },
  };
}
