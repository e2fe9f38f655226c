// Releases the four packages together, in one version:
//
//   node scripts/release.mjs minor              writes the next version everywhere (also: patch, major, 1.2.3)
//   node scripts/release.mjs --publish          packs, checks and publishes what is written, with provenance
//   npm run release -- --dry-run [minor]        both on a copy, with npm publish --dry-run; changes and sends nothing
//
// Publishing is the work of .github/workflows/release.yml, which a pushed tag starts. CONTRIBUTING.md has the steps.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
/** In the order in which they depend on each other. */
const PACKAGES = ["tensor", "autograd", "audio", "echo-model"];
const WINDOWS = process.platform === "win32";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { "dry-run": { type: "boolean" }, publish: { type: "boolean" } },
});

function refuse(message) {
  console.error(`release: ${message}`);
  process.exit(1);
}

const run = (command, args, cwd) =>
  execFileSync(command, args, {
    cwd,
    encoding: "utf8",
    shell: WINDOWS,
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 2 ** 26,
  });
const manifestOf = (root, name) => join(root, "packages", name, "package.json");
const read = (path) => JSON.parse(readFileSync(path, "utf8"));

/** The version that all four packages have. */
function currentVersion(root) {
  const versions = new Set(PACKAGES.map((name) => read(manifestOf(root, name)).version));
  if (versions.size !== 1) refuse(`the packages have different versions: ${[...versions].join(", ")}`);
  return [...versions][0];
}

/** The version after `version`: the part that `wanted` names goes up, or `wanted` itself. */
function nextVersion(version, wanted) {
  if (/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(wanted)) return wanted;
  const parts = version.split("-")[0].split(".").map(Number);
  const place = ["major", "minor", "patch"].indexOf(wanted);
  if (place < 0) refuse(`expected major, minor, patch or a version such as 1.2.3, got "${wanted}"`);
  return parts.map((part, i) => (i < place ? part : i === place ? part + 1 : 0)).join(".");
}

/** Writes `version` into the packages, what they ask of each other, and the change log. */
function writeVersion(root, version) {
  for (const name of PACKAGES) {
    const path = manifestOf(root, name);
    const manifest = read(path);
    manifest.version = version;
    for (const other of PACKAGES) {
      const key = `@echo-ts/${other}`;
      if (manifest.dependencies?.[key]) manifest.dependencies[key] = `^${version}`;
    }
    writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
  }
  const path = join(root, "CHANGELOG.md");
  const text = readFileSync(path, "utf8");
  const date = new Date().toISOString().slice(0, 10);
  const released = text.replace(/^## Unreleased$/m, `## Unreleased\n\n## ${version} (${date})`);
  if (released === text) refuse('CHANGELOG.md has no line "## Unreleased"');
  writeFileSync(path, released);
}

/** Packs one package into `folder` and checks what the tarball holds. @returns its path */
function pack(root, name, folder) {
  const source = join(root, "packages", name);
  const [report] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", folder], source));
  const files = report.files.map(({ path }) => path);
  const manifest = read(join(source, "package.json"));
  const named = Object.values(manifest.exports).flatMap(Object.values);
  const wanted = ["LICENSE", "README.md", "package.json", ...named, ...Object.values(manifest.bin ?? {})];
  const missing = wanted.map((path) => path.replace(/^\.\//, "")).filter((path) => !files.includes(path));
  if (missing.length > 0) refuse(`${name}: the tarball lacks ${missing.join(", ")}; was it built?`);
  const strange = files.filter((path) =>
    /(^|\/)(test|bench|node_modules)\/|tsbuildinfo|\.stamp$|\.env/.test(path),
  );
  if (strange.length > 0) refuse(`${name}: the tarball holds ${strange.join(", ")}`);
  const folders = {};
  for (const path of files) {
    const top = path.includes("/") ? `${path.split("/")[0]}/` : path;
    folders[top] = (folders[top] ?? 0) + 1;
  }
  const kilobytes = (bytes) => `${Math.round(bytes / 1000)} kB`;
  const contents = Object.entries(folders).map(([top, count]) =>
    top.endsWith("/") ? `${top} ${count}` : top,
  );
  console.log(
    `${report.id}: ${files.length} files, ${kilobytes(report.size)} packed, ${kilobytes(report.unpackedSize)}`,
  );
  console.log(`  ${contents.join(", ")}`);
  return join(folder, report.filename);
}

/** Packs and checks all, then publishes each in the order of their dependencies. */
function publish(root, dryRun) {
  const folder = mkdtempSync(join(tmpdir(), "echo-release-"));
  try {
    const tarballs = PACKAGES.map((name) => pack(root, name, folder));
    for (const tarball of tarballs) {
      run("npm", ["publish", tarball, "--access", "public", dryRun ? "--dry-run" : "--provenance"], folder);
      console.log(`${dryRun ? "would publish" : "published"} ${tarball.slice(folder.length + 1)}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a release reads: the packages without what they are developed with, and the change log. */
function copyOf(root) {
  const folder = mkdtempSync(join(tmpdir(), "echo-release-copy-"));
  cpSync(join(root, "CHANGELOG.md"), join(folder, "CHANGELOG.md"));
  for (const name of PACKAGES) {
    const source = join(root, "packages", name);
    const filter = (path) => !/[\\/](node_modules|bench)$/.test(path);
    cpSync(source, join(folder, "packages", name), { recursive: true, filter });
  }
  return folder;
}

const wanted = positionals[0];
for (const name of PACKAGES) {
  if (!existsSync(join(ROOT, "packages", name, "dist", "index.js")))
    refuse(`${name} is not built: npm run build`);
}
if (options["dry-run"]) {
  const copy = copyOf(ROOT);
  try {
    const version = currentVersion(ROOT);
    const next = nextVersion(version, wanted ?? "minor");
    writeVersion(copy, next);
    console.log(`version ${version} -> ${next}, on a copy`);
    publish(copy, true);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
} else if (options.publish) {
  publish(ROOT, false);
} else if (wanted) {
  const next = nextVersion(currentVersion(ROOT), wanted);
  writeVersion(ROOT, next);
  const { packageManager } = read(join(ROOT, "package.json"));
  run(WINDOWS ? "npx.cmd" : "npx", ["--yes", packageManager, "install", "--lockfile-only"], ROOT);
  console.log(`version ${next} is written; commit it, then: git tag v${next} && git push --follow-tags`);
} else {
  refuse("expected patch, minor, major or a version, --publish, or --dry-run");
}
