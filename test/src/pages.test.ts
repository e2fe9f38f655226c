// The pages under docs/ that teach a change. Their diffs are applied to a copy of the sources, which the compiler must
// accept, and their `ts` blocks are run with every `expression; // value` compared. A page whose context lines are no
// longer in the sources fails.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import t from "tap";
import ts from "typescript";

t.setTimeout(300_000); // the compiler, twice

const ROOT = join(import.meta.dirname, "..", "..");
const page = (name: string): string => readFileSync(join(ROOT, "docs", name), "utf8");

/** A fenced block of a page, with the last file that was named before it. */
interface Block {
  readonly language: string;
  readonly text: string;
  readonly file: string | undefined;
}

function blocksOf(text: string): Block[] {
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(({ 1: language, 2: block, index }) => {
    const files = [...text.slice(0, index).matchAll(/`([\w/.-]+\/[\w.-]+\.ts)`/g)];
    return { language: language!, text: block!, file: files.at(-1)?.[1] };
  });
}

/** Applies a block of context lines (" "), removed lines ("-") and added lines ("+"); "@@" stands between places. */
function applyDiff(source: string, diff: string): string {
  return diff.split(/^@@\n/m).reduce((text, hunk) => {
    const lines = hunk.trimEnd().split("\n");
    const side = (mark: string): string =>
      lines
        .filter((line) => line[0] !== mark)
        .map((line) => line.slice(1))
        .join("\n");
    const before = `\n${side("+")}\n`;
    const found = text.split(before).length - 1;
    if (found !== 1) throw new Error(`found ${found} times, expected once: ${before}`);
    return text.replace(before, () => `\n${side("-")}\n`);
  }, source);
}

/** Sources by path, as the page changes them. */
function changed(blocks: readonly Block[]): Map<string, string> {
  const sources = new Map<string, string>();
  for (const { language, text, file } of blocks) {
    if (language !== "diff") continue;
    const path = join(ROOT, file!);
    sources.set(path, applyDiff(sources.get(path) ?? readFileSync(path, "utf8"), text));
  }
  return sources;
}

const SOURCES = {
  "@echo-ts/tensor": join(ROOT, "packages/tensor/src/index.ts"),
  "@echo-ts/tensor/internal": join(ROOT, "packages/tensor/src/internal.ts"),
  "@echo-ts/autograd": join(ROOT, "packages/autograd/src/index.ts"),
  "@echo-ts/audio": join(ROOT, "packages/audio/src/index.ts"),
  "@echo-ts/echo-model": join(ROOT, "packages/echo-model/src/index.ts"),
  "@echo-ts/echo-model/model": join(ROOT, "packages/echo-model/src/model/index.ts"),
  "@echo-ts/echo-model/study": join(ROOT, "packages/echo-model/src/study/index.ts"),
};

const TESTS = join(ROOT, "test", "src");

/** A few tests import a file of a package as it is built: names the source instead. */
const withoutDist = (text: string): string =>
  text.replace(/(\/packages\/[\w-]+\/)dist\/([\w/-]+)\.js"/g, '$1src/$2.ts"');

/**
 * What the compiler says of some files, and of those that are changed: "file: message". The packages are taken from
 * their sources if those are changed, else as they are built.
 */
function compile(files: readonly string[], sources: ReadonlyMap<string, string>): string[] {
  const config = ts.readConfigFile(join(ROOT, "tsconfig.base.json"), ts.sys.readFile).config;
  const { options } = ts.convertCompilerOptionsFromJson(
    { ...config.compilerOptions, types: ["node"], composite: false, incremental: false, noEmit: true },
    ROOT,
  );
  const inSources = [...sources.keys()].some((path) => path.startsWith(join(ROOT, "packages")));
  const paths = inSources ? Object.fromEntries(Object.entries(SOURCES).map(([k, path]) => [k, [path]])) : {};
  const host = ts.createCompilerHost({ ...options, paths });
  const { readFile, fileExists, getSourceFile } = host;
  host.readFile = (path) => sources.get(path) ?? readFile(path);
  host.fileExists = (path) => sources.has(path) || fileExists(path);
  host.getSourceFile = (path, version, ...rest) => {
    const text = sources.get(path) ?? (inSources && path.startsWith(TESTS) ? readFile(path) : undefined);
    return text === undefined
      ? getSourceFile(path, version, ...rest)
      : ts.createSourceFile(path, inSources ? withoutDist(text) : text, version);
  };
  const program = ts.createProgram([...files], { ...options, paths }, host);
  return [...new Set([...files, ...sources.keys()])].flatMap((path) => {
    const file = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      ({ messageText }) => `${relative(ROOT, path)}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`,
    );
  });
}

/** Lines `expression; // value` as comparisons; all else as it stands. */
const withChecks = (code: string): string =>
  code.replace(
    /^(?!const|let|import|return|\s)(.*); \/\/ (-?[\d.]+|true|false|\[.*\]|".*")$/gm,
    (_, expression: string, value: string) =>
      `check(${JSON.stringify(expression)}, ${expression}, ${value});`,
  );

/** One checked line: what it says, gave and should give. */
type Check = [expression: string, actual: unknown, expected: unknown];

/** Runs a page's `ts` blocks as one script over changed sources. */
async function run(
  blocks: readonly Block[],
  sources: ReadonlyMap<string, string> = new Map(),
): Promise<readonly Check[]> {
  const code = blocks.filter(({ language }) => language === "ts").map(({ text }) => text);
  const script = `export const checks = [];\nconst check = (...line) => checks.push(line);\n${withChecks(code.join("\n"))}`;
  const folder = mkdtempSync(join(tmpdir(), "page-"));
  const outfile = join(folder, "page.mjs");
  try {
    await build({
      stdin: { contents: script, resolveDir: join(ROOT, "test"), loader: "ts" },
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      external: ["gpu.js"],
      plugins: [overlay(sources)],
    });
    const { checks } = (await import(pathToFileURL(outfile).href)) as { readonly checks: readonly Check[] };
    return checks;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Takes the packages from their sources, as they are changed. */
const overlay = (sources: ReadonlyMap<string, string>): Plugin => ({
  name: "changed sources",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@echo-ts\// }, ({ path }) => ({ path: SOURCES[path as keyof typeof SOURCES] }));
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const contents = sources.get(path);
      return contents === undefined ? null : { contents, loader: "ts", resolveDir: dirname(path) };
    });
  },
});

t.test("a diff whose context is not in the source is refused", async (t) => {
  t.equal(applyDiff("a\nb\nc\n", " b\n+x\n"), "a\nb\nx\nc\n");
  t.equal(applyDiff("a\nb\nc\n", "-b\n+x\n@@\n c\n+d\n"), "a\nx\nc\nd\n");
  t.throws(() => applyDiff("a\nb\n", " y\n+x\n"), /found 0 times/);
  t.equal(
    withChecks("const a = 1;\na + 1; // 2\na; // text"),
    'const a = 1;\ncheck("a + 1", a + 1, 2);\na; // text',
  );
});

t.test("add an op", async (t) => {
  const blocks = blocksOf(page("add-an-op.md"));
  const tables = [
    "packages/tensor/src/backends/reference/index.ts",
    "packages/autograd/src/vjps/elementwise.ts",
    "packages/autograd/src/vjps/activation.ts",
    "packages/autograd/src/onnx/rows/elementwise.ts",
    "packages/autograd/src/onnx/rows/fused.ts",
    "test/src/tensor/op-rows-primitive.ts",
    "test/src/tensor/op-rows-fused.ts",
    "test/src/autograd/gradcheck-rows.ts",
  ];
  const entries = [SOURCES["@echo-ts/tensor"], SOURCES["@echo-ts/autograd"]];
  const files = [...entries, ...tables.map((path) => join(ROOT, path))];
  const rowsOnly = blocks.filter(({ file }) => file?.startsWith("packages/tensor/src/ops/"));
  const missing = compile(files, changed(rowsOnly));
  for (const table of tables) {
    const op = /activation|fused/.test(table) ? "mish" : "cbrt";
    t.ok(
      missing.some((line) => line.startsWith(table) && new RegExp(`\\b${op}\\b`).test(line)),
      `with the rows alone the compiler asks for ${op} in ${table}`,
    );
  }
  t.equal(missing.length, tables.length, "and for nothing else");
  const sources = changed(blocks);
  t.same(compile(files, sources), [], "with all steps it compiles");
  const checks = await run(blocks, sources);
  for (const [expression, actual, expected] of checks) t.same(actual, expected, expression);
  t.ok(checks.length >= 3, `${checks.length} lines checked`);
});

t.test("add a model option", async (t) => {
  const blocks = blocksOf(page("add-a-model-option.md"));
  const tests = join(ROOT, "test/src/echo-model/model.test.ts");
  const files = [SOURCES["@echo-ts/echo-model"], tests];
  const withoutRow = blocks.filter(({ file }) => file?.startsWith("packages/echo-model/src/model/"));
  t.match(
    compile(files, changed(withoutRow)),
    [/^packages\/echo-model\/src\/model\/block\.ts: .*mlpFactor/],
    "without its row the compiler knows no such setting",
  );
  const sources = changed(blocks);
  t.same(compile(files, sources), [], "with all steps it compiles");
  const checks = await run(blocks, sources);
  for (const [expression, actual, expected] of checks) t.same(actual, expected, expression);
  t.equal(checks.length, 4, "lines checked");
});

for (const [title, name] of [
  ["write a custom gradient", "custom-gradient.md"],
  ["add a backend", "add-a-backend.md"],
] as const) {
  t.test(title, async (t) => {
    const blocks = blocksOf(page(name));
    const script = blocks.filter(({ language }) => language === "ts").map(({ text }) => text);
    const path = join(ROOT, "test", "src", "page.ts");
    t.same(compile([path], new Map([[path, script.join("\n")]])), [], "its code compiles");
    const checks = await run(blocks);
    for (const [expression, actual, expected] of checks) t.same(actual, expected, expression);
    t.ok(checks.length >= 5, `${checks.length} lines checked`);
  });
}
