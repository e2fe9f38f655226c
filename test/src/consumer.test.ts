// The packages as strangers get them: packed by npm, unpacked into a fresh project. What the tarballs hold, whether the
// TypeScript of every README compiles against them in strict projects, whether they run by import and as echo-asr.
// The packages that ours depend on are linked from this workspace, so nothing is fetched.
//
// Read next: consumers/consumers.ts, which does the same with npm's own install, other compilers and other runtimes.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import t from "tap";
import { installOffline, link, readManifest, writeEntriesFile } from "./consumers/packed-project.ts";
import { consumerProjects, PACKAGES, writeReadmeBlocks } from "./consumers/readme-blocks.ts";

t.setTimeout(600_000);

const ROOT = join(import.meta.dirname, "..", "..");
const project = mkdtempSync(join(tmpdir(), "echo-consumer-"));
const modules = join(project, "node_modules");
t.teardown(() => rmSync(project, { recursive: true, force: true }));

const targets = new Map(PACKAGES.map((name) => [name, installOffline(name, project)]));

for (const [name, target] of targets) {
  t.test(`the tarball of ${name} is whole`, async (t) => {
    const manifest = readManifest(target);
    t.notMatch(JSON.stringify(manifest.dependencies ?? {}), /workspace:/, "npm can install it");
    t.equal(manifest.repository?.directory, `packages/${name}`);
    t.ok(manifest.homepage && (manifest.keywords?.length ?? 0) > 3);
    t.equal(manifest.engines?.node, ">=20.16", "where process.getBuiltinModule begins");
    t.equal(
      readFileSync(join(target, "LICENSE"), "utf8"),
      readFileSync(join(ROOT, "LICENSE"), "utf8"),
      "with the licence",
    );
    const readme = readFileSync(join(target, "README.md"), "utf8");
    const begins = readme.slice(0, readme.indexOf("```", readme.indexOf("```") + 3));
    t.match(begins, `npm install @echo-ts/${name}`, "the README begins with the install");
    for (const [, link] of readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      t.ok(existsSync(join(target, link!)), `${link} of the README is in the tarball`);
    }
    const missing: string[] = [];
    let maps = 0;
    for (const file of readdirSync(target, { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".map")) continue;
      maps++;
      const map = JSON.parse(readFileSync(join(target, file), "utf8")) as { sources: string[] };
      for (const source of map.sources) {
        const path = resolve(target, dirname(file), source);
        // Left over from an older build: a release builds anew.
        if (!existsSync(path.replace(target, join(ROOT, "packages", name)))) continue;
        if (!path.startsWith(target) || !existsSync(path)) missing.push(`${file}: ${source}`);
      }
    }
    t.ok(maps > 20);
    t.strictSame(missing, [], "source maps find their sources");
  });
}

t.test("the TypeScript of the READMEs and every entry compile in strict projects", async (t) => {
  writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module" }));
  link("@types/node", ROOT, modules);
  const { browser, node } = writeReadmeBlocks(project);
  t.ok(browser.length > 5 && node.length > 1, `${browser.length} and ${node.length} blocks`);
  const projects = consumerProjects({ browser, node: [...node, writeEntriesFile(project)] });
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  for (const [what, config] of Object.entries(projects)) {
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify(config));
    const { stdout, status } = spawnSync(process.execPath, [tsc, "-p", project], { encoding: "utf8" });
    t.equal(status, 0, `${what}: ${stdout.slice(0, 3000)}`);
  }
});

t.test("they run: by import, by a worker's threads, and as echo-asr", async (t) => {
  const script = `
    import { matmul, ones, wasmInfo } from "@echo-ts/tensor";
    import { Linear } from "@echo-ts/autograd";
    import { echoLogMel } from "@echo-ts/audio";
    console.log(matmul(ones([2, 2]), ones([2, 2])).toArray().flat().join(), wasmInfo().mode);
    console.log([...(await new Linear(2, 1).initialize(1).stateDict()).keys()].join());
    console.log(echoLogMel(new Float32Array(16000)).shape[0]);`;
  writeFileSync(join(project, "run.mjs"), script);
  const ran = spawnSync(process.execPath, [join(project, "run.mjs")], {
    encoding: "utf8",
    env: { PATH: process.env.PATH, ECHO_WASM_MODE: "simd" },
  });
  t.equal(ran.stderr, "");
  t.equal(ran.stdout, "2,2,2,2 simd\nweight,bias\n128\n");
  const small = `
    import { matmul, ones, wasmInfo } from "@echo-ts/tensor/small";
    console.log(matmul(ones([2, 2]), ones([2, 2])).toArray().flat().join(), wasmInfo().kernels);`;
  writeFileSync(join(project, "small.mjs"), small);
  t.match(
    spawnSync(process.execPath, [join(project, "small.mjs")], { encoding: "utf8" }).stdout,
    "2,2,2,2 small",
  );
  const old = `
    process.getBuiltinModule = undefined;
    const { wasmInfo } = await import("@echo-ts/tensor");
    const { threads, notes } = wasmInfo();
    console.log(threads, notes.join());`;
  writeFileSync(join(project, "old.mjs"), old);
  t.match(
    spawnSync(process.execPath, [join(project, "old.mjs")], { encoding: "utf8" }).stdout,
    "1 threads: this Node has no process.getBuiltinModule (20.16 has), one thread runs",
  );
  const { bin } = readManifest(targets.get("echo-model")!);
  const command = join(targets.get("echo-model")!, bin!["echo-asr"]!);
  t.match(readFileSync(command, "utf8"), /^#!\/usr\/bin\/env node\n/);
  const help = spawnSync(process.execPath, [command, "--help"], { encoding: "utf8" });
  t.equal(help.status, 0, help.stderr);
  t.match(help.stdout, /transcribe/);
});
