/**
 * The help, made from the table of options.
 *
 * @module
 */

import { styleText } from "node:util";
import { COMMAND_SPECS, type CommandName, COMMANDS, type OptionSpec } from "./option_table.ts";

/** How the program is called. */
const PROGRAM = "deno run -A mod.ts";
const INDENT = "  ";

/** Turns text into a heading, a command or an option, or leaves it as it is. */
interface Paint {
  readonly heading: (text: string) => string;
  readonly term: (text: string) => string;
}

function paint(color: boolean): Paint {
  if (!color) return { heading: (text) => text, term: (text) => text };
  return {
    heading: (text) => styleText("bold", text, { validateStream: false }),
    term: (text) => styleText("cyan", text, { validateStream: false }),
  };
}

/** The help about one command, or about the program. `color` is for terminals. */
export function helpText(topic: CommandName | undefined, color: boolean): string {
  const lines = topic === undefined ? programHelp(paint(color)) : commandHelp(topic, paint(color));
  return lines.join("\n") + "\n";
}

function programHelp({ heading, term }: Paint): string[] {
  const width = Math.max(...COMMANDS.map((name) => name.length));
  return [
    "PseudoTCP carries the connections of unmodified programs through a MASQUE proxy.",
    "",
    heading("Commands"),
    ...COMMANDS.map((name) =>
      `${INDENT}${term(name.padEnd(width))}${INDENT}${COMMAND_SPECS[name].words}`
    ),
    "",
    heading("Try it"),
    `${INDENT}${PROGRAM} ${COMMAND_SPECS.run.examples[0]}`,
    "",
    `${PROGRAM} COMMAND --help tells all about a command.`,
  ];
}

function commandHelp(topic: CommandName, { heading, term }: Paint): string[] {
  const spec = COMMAND_SPECS[topic];
  const width = Math.max(
    ...spec.groups.flatMap((group) => group.options.map((option) => label(option).length)),
  );
  const lines = [`${PROGRAM} ${term(topic)} ${spec.synopsis}`, "", ...spec.about];
  for (const group of spec.groups) {
    lines.push("", heading(group.title));
    for (const option of group.options) {
      const words = option.words + (option.repeats ? " (repeatable)" : "");
      lines.push(`${INDENT}${term(label(option).padEnd(width))}${INDENT}${words}`);
    }
  }
  lines.push("", heading("Examples"));
  for (const example of spec.examples) lines.push(`${INDENT}${PROGRAM} ${example}`);
  return lines;
}

function label(option: OptionSpec): string {
  return option.value === undefined ? `--${option.name}` : `--${option.name} ${option.value}`;
}
