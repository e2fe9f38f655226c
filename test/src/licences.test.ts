// What a plain `npm install` of our packages brings has permissive licences only. Decoders with copyleft are optional
// peers that nobody gets unasked; packages/audio/README.md lists the licences.
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import t from "tap";

const ROOT = join(import.meta.dirname, "..", "..");
const PERMISSIVE = [
  "MIT",
  "ISC",
  "0BSD",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "Apache-2.0",
  "Zlib",
  "CC0-1.0",
  "Unlicense",
];

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly dependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly peerDependenciesMeta?: Record<string, { readonly optional?: boolean }>;
}

/** Where an installed package lies, looked for as Node does. */
function locate(name: string, from: string): string | undefined {
  for (let folder = from; dirname(folder) !== folder; folder = dirname(folder)) {
    const path = join(folder, "node_modules", name);
    if (existsSync(path)) return realpathSync(path);
  }
  return undefined;
}

const PARTS = ["tensor", "autograd", "audio", "echo-model"];

const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;

/** Adds what npm installs with a package to `found`: names and licences, optional peers apart. */
function addDependencies(folder: string, found: Map<string, string>): void {
  const { name: of, dependencies, peerDependencies, peerDependenciesMeta: meta } = readManifest(folder);
  const peers = Object.keys(peerDependencies ?? {}).filter((name) => !meta?.[name]?.optional);
  for (const name of [...Object.keys(dependencies ?? {}), ...peers]) {
    const path = locate(name, folder);
    // Left out here on purpose (pnpm-workspace.yaml): its build for servers, which gpu.js does without.
    if (name === "webgpu" && of === "gpu.js") continue;
    if (!path) t.fail(`${of}: ${name} is not installed`);
    if (!path || found.has(name)) continue;
    found.set(name, readManifest(path).license ?? "none");
    addDependencies(path, found);
  }
}

/** What a plain install of some of our packages brings, ours among it. */
function defaultInstall(parts: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const part of parts) addDependencies(join(ROOT, "packages", part), found);
  return found;
}

for (const part of PARTS) {
  t.test(`${part}: every package of its default install is permissive`, async (t) => {
    const found = defaultInstall([part]);
    for (const [name, license] of found) t.ok(PERMISSIVE.includes(license), `${name}: ${license}`);
    t.pass(`${found.size} packages`);
  });
}

/** Rows of a README's table below a heading: the first cell, and the names in backticks of the second with what stands before. */
function tableRows(head: string): Map<string, string> {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const lines = readme.slice(readme.indexOf("## Licences")).split("\n");
  const start = lines.findIndex((line) => line.startsWith(`| ${head}`));
  const rows = lines.slice(start + 2, lines.indexOf("", start)).map((line) => line.split("|"));
  return new Map(rows.map(([, first, second]) => [first!.trim(), second!.trim()]));
}

const byLicence = (found: ReadonlyMap<string, string>): [string, string[]][] => {
  const groups = new Map<string, [string, string][]>();
  for (const entry of [...found].sort()) groups.set(entry[1], [...(groups.get(entry[1]) ?? []), entry]);
  return [...groups].map(([license, entries]) => [license, entries.map(([name]) => `\`${name}\``)]);
};

t.test("the README lists the licence of every package of a default install", async (t) => {
  const found = defaultInstall(PARTS);
  for (const name of found.keys()) if (name.startsWith("@echo-ts/")) found.delete(name);
  const expected = byLicence(found).map(([license, names]) => [license, names.join(", ")] as const);
  t.strictSame(Object.fromEntries(tableRows("licence")), Object.fromEntries(expected));
});

t.test("and what the optional packages bring beyond it", async (t) => {
  const basic = defaultInstall(PARTS);
  const expected: Record<string, string> = {};
  for (const part of PARTS) {
    const folder = join(ROOT, "packages", part);
    const { peerDependenciesMeta = {} } = readManifest(folder);
    for (const peer of Object.keys(peerDependenciesMeta)) {
      const path = locate(peer, folder)!;
      const found = new Map(basic).set(peer, readManifest(path).license ?? "none");
      addDependencies(path, found);
      for (const name of basic.keys()) found.delete(name);
      const cell = byLicence(found).map(([license, names]) => `${license}: ${names.join(", ")}`);
      expected[`${part}: \`${peer}\``] = cell.join("; ");
    }
  }
  t.strictSame(Object.fromEntries(tableRows("asked for by")), expected);
});

t.test("the audio package's README names each package and its licence", async (t) => {
  const readme = readFileSync(join(ROOT, "packages/audio/README.md"), "utf8");
  const { dependencies, peerDependencies }: Manifest = JSON.parse(
    readFileSync(join(ROOT, "packages/audio/package.json"), "utf8"),
  );
  for (const name of Object.keys({ ...dependencies, ...peerDependencies }))
    t.ok(readme.includes(`\`${name}\``), name);
});
