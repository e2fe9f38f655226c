// Runs a piece of JavaScript that a reader wrote: imports of our packages, console.log, pictures. The same function runs
// it in the page's worker and in the tests in Node. Read next: worker.ts, then code-runner.ts.
import { type Picture, pictures } from "../draw/pictures.ts";
import { formatValue } from "./format-value.ts";

/** What a run shows, in order. */
export type Output =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "picture"; readonly picture: Picture };

/** What can be imported, each loaded when it is first asked for. */
const MODULES: Readonly<Record<string, () => Promise<Readonly<Record<string, unknown>>>>> = {
  "@echo-ts/tensor": () => import("@echo-ts/tensor"),
  "@echo-ts/autograd": () => import("@echo-ts/autograd"),
  "@echo-ts/audio": () => import("@echo-ts/audio"),
  "@echo-ts/echo-model": () => import("@echo-ts/echo-model"),
  "@echo-ts/echo-model/model": () => import("@echo-ts/echo-model/model"),
  "@echo-ts/echo-model/study": () => import("@echo-ts/echo-model/study"),
};

const IMPORT = /^[ \t]*import\s*\{([^}]*)\}\s*from\s*["']([^"']+)["'];?/gm;

/** The code with its imports as `const { ... } = await load(...)`, on as many lines as before. */
export function withoutImports(code: string): string {
  return code.replace(IMPORT, (_all, list: string, from: string) => {
    const names = list.split(",").map((name) => name.trim());
    const wanted = names.filter((name) => name !== "").map((name) => name.split(/\s+as\s+/)[0]!);
    const bindings = list.replace(/(\w+)\s+as\s+(\w+)/g, "$1: $2");
    return `const {${bindings}} = await load(${JSON.stringify(from)}, ${JSON.stringify(wanted)});`;
  });
}

/** A module with the names that the code wants from it. */
async function load(from: string, names: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const loader = Object.hasOwn(MODULES, from) ? MODULES[from] : undefined;
  if (loader === undefined)
    throw new Error(`import: expected one of ${Object.keys(MODULES).join(", ")}, got "${from}"`);
  const found = await loader();
  for (const name of names)
    if (!(name in found)) throw new Error(`import: "${from}" has no export "${name}"`);
  return found;
}

type Body = (...values: readonly unknown[]) => Promise<void>;
const AsyncFunction = (async () => {}).constructor as new (...parts: readonly string[]) => Body;

/** Throws with the message unless the condition holds: what tests of exercises are written with. */
function check(condition: unknown, message: string): void {
  if (condition !== true) throw new Error(`Not yet: ${message}`);
}

/**
 * Runs code to its end.
 *
 * @param code JavaScript; `await` is allowed, imports in braces from our packages too; `console.log` shows values,
 *   `plot`, `image` and `drawTape` show pictures, `check(condition, message)` stops with the message
 * @param show called with each output
 * @throws what the code throws, and SyntaxError for code that cannot be read
 * @example await runCode('import { ones } from "@echo-ts/tensor"; console.log(ones([2]));', console.log);
 */
export async function runCode(code: string, show: (output: Output) => void): Promise<void> {
  const log = (...values: readonly unknown[]) =>
    show({ kind: "text", text: values.map(formatValue).join(" ") });
  const draw = pictures((picture) => show({ kind: "picture", picture }));
  const given: Readonly<Record<string, unknown>> = {
    load,
    check,
    console: { log, info: log, warn: log, error: log },
    ...draw,
  };
  const body = new AsyncFunction(...Object.keys(given), `"use strict";\n${withoutImports(code)}\n`);
  await body(...Object.values(given));
}

/** An answer to an exercise with its tests, which may import the same names again and read the text `answer`. */
export function withTests(answer: string, tests: string): string {
  return `${answer}\n{\nconst answer = ${JSON.stringify(answer)};\n${tests}\n}`;
}
