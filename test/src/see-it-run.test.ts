// The page docs/see-it-run.md: its programs are run, and what they print is compared with the block that follows;
// in what ECHO_DEBUG prints, numbers with a point are compared by their places only.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";

const ROOT = join(import.meta.dirname, "..", "..");
const page = readFileSync(join(ROOT, "docs", "see-it-run.md"), "utf8");
const blocks = [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(({ 1: language, 2: text }) => ({
  language: language!,
  text: text!,
}));

function run(
  program: string,
  env: Record<string, string>,
): { out: string; errors: string; status: number | null } {
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: join(ROOT, "test"), // where the packages can be found by name
    env: { ...process.env, ECHO_THREADS: "1", ...env },
    encoding: "utf8",
  });
  return { out: stdout, errors: stderr, status };
}

/** Times and sizes as "#"; spaces that align them as one. */
const masked = (text: string): string => text.replace(/\d+\.\d+/g, "#").replace(/ +/g, " ");

t.test("the programs of the page print what it says", async (t) => {
  let checked = 0;
  let program = "";
  for (const [i, { language, text }] of blocks.entries()) {
    if (language === "ts") {
      program = text;
      const { out, errors, status } = run(program, {});
      t.equal(status, 0, errors);
      t.equal(out, blocks[i + 1]!.text);
      checked++;
    } else if (language === "sh") {
      const [, name, value] = /^(\w+)=(\S+) node/.exec(text)!;
      const { errors, status } = run(program, { [name!]: value! });
      t.equal(status, 0, errors);
      t.equal(masked(errors), masked(blocks[i + 1]!.text));
      checked++;
    }
  }
  t.equal(checked, 4);
});

const PROGRAM = `import { tensor } from "@echo-ts/tensor";
tensor([1, 2]).cast("float64").log2().softmax();`;

t.test("ECHO_DEBUG=2 adds a table, 3 a line for each op, and other values are refused", async (t) => {
  const two = run(PROGRAM, { ECHO_DEBUG: "2" }).errors;
  t.match(two, /^echo: op +by +backend +calls +ms +share +bytes$/m);
  t.match(two, /^echo: log2 +fallback +wasm +1 +[\d.]+ +\d+ % +16 B$/m);
  t.match(two, /^echo: fell back:\necho: {3}wasm cast float64: \d+|^echo: fell back:/m);
  t.notMatch(two, /->/);
  const three = run(PROGRAM, { ECHO_DEBUG: "3" }).errors;
  t.match(three, /^echo: log2\(\[2\]\) -> \[2\] float64, wasm fallback [\d.]+ ms$/m);
  t.match(
    three,
    /^echo: {3}exp\(\[2\]\) -> \[2\] float64, wasm kernel/m,
    "those inside softmax are indented",
  );
  t.match(three, /^echo: softmax\(\[2\]\) -> \[2\] float64, wasm composition/m);
  t.equal(run(PROGRAM, { ECHO_DEBUG: "0" }).errors, "");
  t.equal(run(PROGRAM, { ECHO_DEBUG: "" }).errors, "");
  t.match(run(PROGRAM, { ECHO_DEBUG: "all" }).errors, /ECHO_DEBUG: expected 0, 1, 2 or 3, got "all"/);
});
