// Every example runs in its short form and ends in the line it promises; so does the tour in the README.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transformSync } from "esbuild";
import t from "tap";

const ROOT = join(import.meta.dirname, "..", "..");
const folder = mkdtempSync(join(tmpdir(), "echo-examples-"));
t.teardown(() => rmSync(folder, { recursive: true }));

interface Example {
  /** Arguments that make it short, or send its files elsewhere. */
  readonly args?: readonly string[];
  readonly lastLine: RegExp;
  /** Lines that it prints somewhere, in this order. */
  readonly prints?: readonly RegExp[];
}

/** Every file of examples/src; a new example without a row fails. A file name says which test runs it instead. */
const EXAMPLES: Readonly<Record<string, Example | string>> = {
  "character-model": "autograd/examples.test.ts",
  main: {
    args: ["--short"],
    prints: [
      /^1\. The shipped checkpoint.* never heard before: digits$/,
      /^ {2}said {3}two five seven four zero five$/,
      /^ {2}heard {2}two five seven four zero five$/,
      /^ {2}two +0\.\d\d s +0\.\d\d s +9\d\.\d %$/,
      /^the first 6 strings: \d without an error; word errors .* of 28 words\)$/,
      /^4\. Where the shipped checkpoint is weak/,
      /^Word error rates$/,
    ],
    lastLine: /^done in \d+ s$/,
  },
  "tensor-tour": { lastLine: /^\d+ ops, \d+ of them primitive$/ },
  micrograd: { lastLine: /^step +40 +loss 0\.00\d+$/ },
  "pitch-rotary": { lastLine: /^from 80 to 600 Hz the band widens by a factor of 1\.\d\d$/ },
  spectrogram: {
    args: ["--out", folder, "--columns", "60"],
    lastLine: /^chirp: f0 is \d+ Hz at 0\.5 s and \d+ Hz at 1\.5 s, a factor of (1\.9[5-9]|2\.0[0-5])$/,
  },
  "two-moons": "autograd/examples.test.ts",
  whisper: "whisper.test.ts",
  "strided-views": { lastLine: /^42 elements of the windows in a buffer of 24; a dense copy has 42$/ },
};

function run(
  args: readonly string[],
  cwd: string,
): { lines: string[]; status: number | null; stderr: string } {
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd, encoding: "utf8" });
  return { lines: stdout.trimEnd().split("\n"), status, stderr };
}

t.test("every example has a row here", async (t) => {
  const files = readdirSync(join(ROOT, "examples", "src")).filter((name) => name.endsWith(".ts"));
  t.same(files.map((name) => name.slice(0, -3)).sort(), Object.keys(EXAMPLES).sort());
});

for (const [name, example] of Object.entries(EXAMPLES)) {
  t.test(name, async (t) => {
    if (typeof example === "string") {
      t.match(readFileSync(join(ROOT, "test", "src", example), "utf8"), name, `run by ${example}`);
      return;
    }
    const { args = [], lastLine, prints = [] } = example;
    const { lines, status, stderr } = run([join("examples", "dist", `${name}.js`), ...args], ROOT);
    t.equal(status, 0, stderr);
    t.match(lines.at(-1), lastLine);
    let from = 0;
    for (const line of prints) {
      const found = lines.findIndex((text, i) => i >= from && line.test(text));
      t.ok(found >= 0, `${line} is printed after line ${from}`);
      from = found + 1;
    }
  });
}

for (const readme of ["README.md", join("packages", "tensor", "README.md")]) {
  t.test(`the code of ${readme} prints what its comments say`, async (t) => {
    const text = readFileSync(join(ROOT, readme), "utf8");
    const code = /```ts\n(.*?)```/s.exec(text)?.[1];
    t.ok(code, "there is a block of code");
    const { lines, status, stderr } = run(
      ["--input-type=module", "--eval", transformSync(code!, { loader: "ts" }).code],
      join(ROOT, "test"), // where the packages can be found by name
    );
    t.equal(status, 0, stderr);
    const promised = [...code!.matchAll(/^(?:console\.log\(.*)?\); \/\/ (.*)$/gm)].map((match) => match[1]);
    t.ok(promised.length > 0);
    t.same(lines, promised);
  });
}
