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

for (const part of ["tensor", "autograd", "audio", "echo-model"]) {
  t.test(`${part}: every package of its default install is permissive`, async (t) => {
    const seen = new Map<string, string>();
    const visit = (folder: string) => {
      const manifest: Manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      const optional = manifest.peerDependenciesMeta ?? {};
      const peers = Object.keys(manifest.peerDependencies ?? {}).filter((name) => !optional[name]?.optional);
      for (const name of [...Object.keys(manifest.dependencies ?? {}), ...peers]) {
        const path = locate(name, folder);
        if (!path) t.fail(`${manifest.name}: ${name} is not installed`);
        if (!path || seen.has(path)) continue;
        const { license = "none" } = JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as Manifest;
        seen.set(path, license);
        t.ok(PERMISSIVE.includes(license), `${name}: ${license}`);
        visit(path);
      }
    };
    visit(join(ROOT, "packages", part));
    t.pass(`${seen.size} packages`);
  });
}

t.test("the audio package's README names each package and its licence", async (t) => {
  const readme = readFileSync(join(ROOT, "packages/audio/README.md"), "utf8");
  const { dependencies, peerDependencies }: Manifest = JSON.parse(
    readFileSync(join(ROOT, "packages/audio/package.json"), "utf8"),
  );
  for (const name of Object.keys({ ...dependencies, ...peerDependencies }))
    t.ok(readme.includes(`\`${name}\``), name);
});
