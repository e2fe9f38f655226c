// Checks what was typed before a command runs: options that do not exist (with a suggestion), come twice, or are
// empty. Values and file names stay as they were typed: cac would make the folder "007" the number 7, and an empty name 0.
import type { CAC, Command } from "cac";
import { editDistance } from "../edit-distance.ts";
import { ConfigError } from "../errors.ts";

/** Options that may be given several times. */
const REPEATED = new Set(["set"]);

/** Stands for standard input among file names. */
export const STANDARD_INPUT = "-";

/**
 * Parses the command line, program and script in front, without running the command. cac loses two things that are
 * given back here: a lone "-", which it takes for an option without a name, and the words after "--".
 */
export function parseWords(cli: CAC, argv: readonly string[]): ReturnType<CAC["parse"]> {
  const held = "\0standard input";
  const end = argv.indexOf("--");
  const known = end === -1 ? argv : argv.slice(0, end);
  cli.parse(
    known.map((word) => (word === STANDARD_INPUT ? held : word)),
    { run: false },
  );
  const args = cli.args.map((word) => (word === held ? STANDARD_INPUT : word));
  cli.args = end === -1 ? args : [...args, ...argv.slice(end + 1)];
  return { args: cli.args, options: cli.options };
}

/**
 * Replaces the values that cac parsed by the words of the command line.
 * @param words - the command line, without node and script.
 * @throws ConfigError for an unknown option, a value that is missing or empty, and an option that comes twice.
 */
export function takeLiterally(cli: CAC, command: Command, words: readonly string[]): void {
  const known = [...command.options, ...cli.globalCommand.options];
  const names = known.flatMap((option) => option.names);
  const typed = typedOptions(words);
  const parsed: Record<string, unknown> = cli.options;
  for (const name of Object.keys(parsed)) {
    if (name === "--" || names.includes(name)) continue;
    // cac makes an object of --model.dims=3: somebody wanted --set.
    const dotted = typeof parsed[name] === "object" && !Array.isArray(parsed[name]);
    const suggestion = dotted || name.length === 1 ? null : closest(name, names);
    const hint =
      suggestion === null ? "settings go with --set key=value" : `did you mean ${dashed(suggestion)}?`;
    throw new ConfigError([`unknown option ${dashed(name)}; ${hint}`]);
  }
  for (const { name, rawName, required } of known) {
    if (required !== true || parsed[name] === undefined) continue;
    const values = typed.get(name) ?? [];
    if (values.some((value) => value === undefined || value === ""))
      throw new ConfigError([`${rawName}: expected a value, got none`]);
    if (values.length > 1 && !REPEATED.has(name))
      throw new ConfigError([`${rawName}: expected once, got ${values.join(" and ")}`]);
    parsed[name] = REPEATED.has(name) ? values : values[0];
  }
}

/** Values of each option as typed, by its name in camel case; undefined where none follows. */
function typedOptions(words: readonly string[]): Map<string, (string | undefined)[]> {
  const typed = new Map<string, (string | undefined)[]>();
  const end = words.indexOf("--");
  const before = end === -1 ? words : words.slice(0, end);
  before.forEach((word, i) => {
    const match = /^--?([^=]+)(?:=(.*))?$/s.exec(word);
    if (match === null) return;
    const name = match[1]!.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const next = before[i + 1];
    const value = match[2] ?? (next?.startsWith("-") ? undefined : next);
    typed.set(name, [...(typed.get(name) ?? []), value]);
  });
  return typed;
}

/** The name that differs least from what was typed; null when all differ by much. */
export function closest(typed: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let least = Math.max(2, Math.floor(typed.length / 3)) + 0.5;
  for (const name of known) {
    const distance = name.startsWith(typed) ? 1 : editDistance(typed, name);
    if (distance < least) [best, least] = [name, distance];
  }
  return best;
}

function dashed(name: string): string {
  const kebab = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return kebab.length > 1 ? `--${kebab}` : `-${kebab}`;
}
