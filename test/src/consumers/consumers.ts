// The packages in the hands of strangers: packed, installed by npm into a fresh folder, and run in every runtime, out of
// every bundler in Chromium, and under the oldest and the newest TypeScript. Not part of `npm test`, as it fetches tools;
// .ci/run runs it. What cannot be fetched is skipped with a message.
//
//   node scripts/test.mjs test/dist/consumers/consumers.js      ECHO_TOOLS=DIR keeps the tools for the next time
//
// Read next: program.ts and small-program.ts, which are what runs; tools.ts, with the versions; bundlers/.
import { execFile, spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import t, { type Test } from "tap";
import { launchChromium, skipWithoutChromium } from "../browser/chromium.ts";
import { nativeParts, pack, writeEntriesFile } from "./packed-project.ts";
import { consumerProjects, PACKAGES, writeReadmeBlocks } from "./readme-blocks.ts";
import { fetchTool, npmInstall, type ToolName } from "./tools.ts";

t.setTimeout(1_200_000);

const ROOT = join(import.meta.dirname, "..", "..", "..");
const folder = mkdtempSync(join(tmpdir(), "echo-consumers-"));
const tools = process.env.ECHO_TOOLS ?? join(folder, "tools");
const project = join(folder, "project");
mkdirSync(tools, { recursive: true });
mkdirSync(project);
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

/** Where each runtime's program lies in the tool's folder, and what comes before the file's name. */
const RUNTIMES: Readonly<Partial<Record<ToolName, readonly string[]>>> = {
  "Node 20": ["node_modules/node/bin/node"],
  "Node 24": ["node_modules/node/bin/node"],
  "Node 26": ["node_modules/node/bin/node"],
  Deno: [
    "node_modules/.bin/deno",
    "run",
    "--no-prompt",
    "--allow-env=ECHO_THREADS,ECHO_WASM_MODE,ECHO_DEBUG",
  ],
  Bun: ["node_modules/.bin/bun"],
};
const BUNDLERS: readonly ToolName[] = ["Vite", "webpack", "Rollup", "esbuild"];
/** The oldest that works and others after it; 6.0 compiles the same files in consumer.test.ts. */
const COMPILERS: readonly ToolName[] = ["TypeScript 5.7", "TypeScript 5.9", "TypeScript 7.0"];
const TYPES = "@types/node@20.19.43";

function run(command: string, args: readonly string[]): { status: number | null; out: string; err: string } {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME };
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: project, encoding: "utf8", env });
  return { status, out: stdout, err: stderr };
}

/**
 * Runs a compiler on a project, without what tap's runner puts into every Node process; several may run at once.
 * @returns its status and what it said
 */
function compile(tsc: string, project: string): Promise<{ status: number; out: string }> {
  return new Promise((resolve) =>
    execFile(
      process.execPath,
      [tsc, "-p", project],
      { env: { ...process.env, NODE_OPTIONS: "" } },
      (error, stdout, stderr) => resolve({ status: error === null ? 0 : 1, out: stdout + stderr }),
    ),
  );
}

const linesOf = (out: string): string[] =>
  out.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

/** Line by line: all bits, or, after ~, numbers to a hundred-thousandth. */
function sameFigures(t: Test, out: string, expected: readonly string[]): void {
  const lines = linesOf(out);
  t.equal(lines.length, expected.length, `${lines.length} figures`);
  for (const [i, line] of expected.entries()) {
    const got = lines[i] ?? "";
    if (!line.startsWith("~")) {
      t.equal(got, line);
      continue;
    }
    const [mine, theirs] = [got, line].map((text) => text.split(/[ :]+/).map(Number));
    const near = theirs!.every(
      (x, k) => Number.isNaN(x) || Math.abs(mine![k]! - x) <= 1e-5 * Math.max(1, Math.abs(x)),
    );
    t.ok(near, `${got} is ${line} but for the last digits`);
  }
}

/** What a runtime said of the wasm backend. */
function wasmOf(out: string): { mode: string; threads: number } {
  return JSON.parse(/^# wasm: (.*)$/m.exec(out)?.[1] ?? "{}") as { mode: string; threads: number };
}

writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
const tarballs = PACKAGES.map((name) => pack(name, folder));
const offline = npmInstall(project, [...tarballs, TYPES]);
const skip = offline !== null && `npm could not install the tarballs: ${offline}`;
copyFileSync(join(import.meta.dirname, "program.js"), join(project, "main.js"));
copyFileSync(join(import.meta.dirname, "small-program.js"), join(project, "small.js"));
let expected: string[] = [];

t.test("npm installs the tarballs, without native code or install scripts", { skip }, async (t) => {
  t.strictSame(nativeParts(project), []);
  const { status, out, err } = run(process.execPath, ["main.js"]);
  t.equal(status, 0, err);
  expected = linesOf(out);
  t.ok(expected.length >= 15, `${expected.length} figures`);
});

t.test("npx echo-asr transcribes as it does here", { skip }, async (t) => {
  const wav = join(ROOT, "data", "asterisk-alnum", "wav");
  const file = join(wav, readdirSync(wav).sort()[0]!);
  const theirs = run("npx", ["--no-install", "echo-asr", "transcribe", file]);
  t.equal(theirs.status, 0, theirs.err);
  const main = join(ROOT, "packages", "echo-model", "dist", "cli", "main.js");
  const ours = run(process.execPath, [main, "transcribe", file]);
  t.equal(ours.status, 0);
  t.equal(theirs.out, ours.out);
  t.match(run("npx", ["--no-install", "echo-asr", "--help"]).out, /transcribe/);
});

t.test("runtimes", { skip }, async (t) => {
  for (const [name, command] of Object.entries(RUNTIMES)) {
    const tool = fetchTool(name as ToolName, tools);
    await t.test(name, { skip: "skip" in tool && tool.skip }, async (t) => {
      if ("skip" in tool) return;
      const { status, out, err } = run(join(tool.folder, command[0]!), [...command.slice(1), "main.js"]);
      t.equal(status, 0, err);
      t.equal(err, "", "nothing is said");
      sameFigures(t, out, expected);
      const modes = { "Node 24": /^(simd|revectorize)$/, "Node 26": /^(simd|revectorize)$/ } as const;
      t.match(wasmOf(out).mode, modes[name as keyof typeof modes] ?? /^simd$/, "wider where V8 is tested");
      t.ok(wasmOf(out).threads >= 1, `${wasmOf(out).threads} threads`);
      const small = run(join(tool.folder, command[0]!), [...command.slice(1), "small.js"]);
      t.equal(small.status, 0, small.err);
      t.match(small.out, "# kernels: small");
      t.strictSame(linesOf(small.out), expected.slice(0, 5), "the small entry gives the same bits");
    });
  }
});

const SCRIPT = '<script type="module" src="main.js"></script>';
const WORKER = '<script>new Worker("main.js", { type: "module" })</script>';

/** Serves a folder three times: at /plain/, and with the headers that allow threads at /isolated/ and, in a Web Worker, at /worker/. */
async function serve(folder: string): Promise<{ origin: string; close(): void }> {
  const server = createServer(({ url = "" }, response) => {
    const [, kind, ...path] = url.split("/");
    if (kind !== "plain") {
      response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
      response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    }
    const script = path.join("/").endsWith(".js");
    response.setHeader("Content-Type", script ? "text/javascript" : "text/html");
    try {
      response.end(script ? readFileSync(join(folder, ...path)) : kind === "worker" ? WORKER : SCRIPT);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, close: () => void server.close() };
}

/** Opens a page and waits for the program's end. @returns what it printed */
async function openPage(t: Test, browser: Browser, address: string): Promise<string> {
  const tab = await browser.newPage();
  const said: string[] = [];
  tab.on("console", (message) => said.push(message.text()));
  tab.on("pageerror", (error) => t.fail(`page error: ${error.message}`));
  const done = tab.waitForEvent("console", (message) => message.text() === "# done");
  await tab.goto(address);
  await done;
  await tab.close();
  return said.join("\n");
}

t.test("bundlers", { skip }, async (t) => {
  const browser = skipWithoutChromium ? null : await launchChromium();
  t.teardown(() => browser?.close());
  for (const name of BUNDLERS) {
    const tool = fetchTool(name, tools);
    await t.test(name, { skip: "skip" in tool && tool.skip }, async (t) => {
      if ("skip" in tool) return;
      copyFileSync(
        join(ROOT, "test", "src", "consumers", "bundlers", `${name.toLowerCase()}.mjs`),
        join(tool.folder, "build.mjs"),
      );
      const bundle = join(folder, `out-${name}`);
      const built = run(process.execPath, [join(tool.folder, "build.mjs"), project, bundle]);
      t.equal(built.status, 0, built.err);
      t.equal(built.err, "", "no warnings");
      await t.test("in Chromium", { skip: skipWithoutChromium }, async (t) => {
        const { origin, close } = await serve(bundle);
        t.teardown(close);
        for (const kind of ["plain", "isolated", "worker"]) {
          const out = await openPage(t, browser!, `${origin}/${kind}/`);
          sameFigures(t, out, expected);
          const { mode, threads } = wasmOf(out);
          t.equal(mode, "simd");
          if (kind === "plain") t.equal(threads, 1, "one thread, as the page is not isolated");
          else t.ok(threads >= 1, `${threads} threads in an isolated page (${kind})`);
        }
      });
    });
  }
});

t.test("every TypeScript compiles the READMEs and all entries, strictly", { skip }, async (t) => {
  const { browser, node } = writeReadmeBlocks(project);
  copyFileSync(join(ROOT, "test", "src", "consumers", "program.ts"), join(project, "program.ts"));
  const files = { browser: [...browser, "program.ts"], node: [...node, writeEntriesFile(project)] };
  const projects = Object.entries(consumerProjects(files)).map(([what, config], i) => {
    const path = join(project, `tsconfig-${i}.json`);
    writeFileSync(path, JSON.stringify(config));
    return { what, path };
  });
  t.jobs = 2;
  for (const name of COMPILERS) {
    const tool = fetchTool(name, tools);
    for (const { what, path } of projects)
      t.test(`${name}, ${what}`, { skip: "skip" in tool && tool.skip }, async (t) => {
        if ("skip" in tool) return;
        const tsc = join(tool.folder, "node_modules", "typescript", "bin", "tsc");
        const { status, out } = await compile(tsc, path);
        t.equal(status, 0, out.slice(0, 2000));
      });
  }
});
