// Packs what gpu-check.mjs needs for a bare Linux machine with a GPU and no network: this Node, the npm package
// webgpu, the Vulkan loader, the built packages with their dependencies, the cases. There:
//   tar xzf gpu-check.tar.gz && sh gpu-check/run.sh FOLDER_FOR_THE_REPORT
// takes what the machine lacks of the loader and of the libraries that drivers open, and looks for its driver. Here:
//   node scripts/gpu-pack.mjs --webgpu FOLDER_OF_THE_PACKAGE [--jax FOLDER_OF_THE_PACKAGE] [--to gpu-check.tar.gz]
// where --jax takes @jax-js/jax along, to be timed beside ours. Both machines must have the same kind of processor.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";

const root = join(import.meta.dirname, "..");
const { values } = parseArgs({
  options: {
    webgpu: { type: "string" },
    jax: { type: "string" },
    to: { type: "string", default: "gpu-check.tar.gz" },
    node: { type: "string", default: process.execPath },
  },
});

function fail(message) {
  console.error(`gpu-pack: ${message}`);
  process.exit(1);
}

/** Runs a program and gives what it prints, or null if it cannot. */
function output(command, ...args) {
  const { status, stdout } = spawnSync(command, args, { encoding: "utf8" });
  return status === 0 ? stdout : null;
}

const platform = `linux-${process.arch}`;
if (process.platform !== "linux") fail("packs on Linux only");
const { webgpu } = values;
if (webgpu === undefined) fail("--webgpu: name the folder of the npm package webgpu 0.6.2");
if (!existsSync(join(webgpu, "dist", platform))) fail(`--webgpu: ${webgpu} has no dist/${platform}`);
if (!existsSync(join(root, "test", "dist", "gpu", "check", "main.js"))) fail("not built; run npm run build");
/** The Vulkan loader, and what NVIDIA's driver opens also where nothing is shown on a screen. */
const LIBRARIES = [
  ...["libvulkan.so.1", "libGLX.so.0", "libGLdispatch.so.0", "libEGL.so.1", "libXext.so.6", "libX11.so.6"],
  ...["libxcb.so.1", "libXau.so.6", "libXdmcp.so.6", "libbsd.so.0", "libmd.so.0"],
];
const known = new Map(
  [...(output("/sbin/ldconfig", "-p") ?? "").matchAll(/^\t(\S+) \(.*\) => (.*)$/gm)].map(([, name, path]) => [
    name,
    path,
  ]),
);
const missing = LIBRARIES.filter((name) => !known.has(name));
if (missing.includes("libvulkan.so.1")) fail("there is no libvulkan.so.1; Debian: apt install libvulkan1");
if (missing.length > 0) console.log(`gpu-pack: not here, left out: ${missing.join(", ")}`);

const stage = mkdtempSync(join(tmpdir(), "gpu-pack-"));
const top = join(stage, "gpu-check");
const CODE = /\.(js|mjs|cjs|json|wasm|node)$/;
const UNUSED = /\.(min|umd)\.js$|gpu-browser|\/(assembly|types)\//;

/** Copies a folder's code, without types, maps and what only browsers load. */
function copyCode(from, to) {
  cpSync(from, to, {
    recursive: true,
    dereference: true,
    filter: (path) =>
      statSync(path).isDirectory() ? !/\/node_modules$/.test(path) : CODE.test(path) && !UNUSED.test(path),
  });
}

/** Copies a package's dependencies, and theirs, into the one node_modules of the archive. */
const copied = new Map();
function copyDependencies(folder) {
  const { dependencies = {}, peerDependencies = {} } = JSON.parse(
    readFileSync(join(folder, "package.json"), "utf8"),
  );
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    // pnpm puts what a package may import beside it, or into its own node_modules.
    const places = [join(folder, "node_modules", name)];
    for (let at = folder; at !== dirname(at); at = dirname(at)) places.push(join(at, name));
    const found = places.find((place) => existsSync(join(place, "package.json")));
    if (found === undefined) {
      // Left out of the installation on purpose, such as native builds that nothing here loads.
      console.log(`gpu-pack: ${name} of ${folder} is not installed, left out`);
      continue;
    }
    const real = realpathSync(found);
    const target = join(top, "node_modules", name);
    if (copied.has(name)) {
      if (copied.get(name) !== real) fail(`two versions of ${name}: ${copied.get(name)} and ${real}`);
      continue;
    }
    copied.set(name, real);
    if (name.startsWith("@echo-ts/")) {
      mkdirSync(dirname(target), { recursive: true });
      symlinkSync(join("..", "..", "packages", name.slice("@echo-ts/".length)), target);
    } else copyCode(real, target);
    copyDependencies(real);
  }
}

for (const name of ["tensor", "autograd", "audio", "echo-model"]) {
  const folder = join("packages", name);
  copyCode(join(root, folder, "dist"), join(top, folder, "dist"));
  cpSync(join(root, folder, "package.json"), join(top, folder, "package.json"));
}
copied.set("@echo-ts/echo-model", join(root, "packages", "echo-model"));
mkdirSync(join(top, "node_modules", "@echo-ts"), { recursive: true });
symlinkSync(join("..", "..", "packages", "echo-model"), join(top, "node_modules", "@echo-ts", "echo-model"));
copyDependencies(join(root, "packages", "echo-model"));

copyCode(join(root, "test", "dist"), join(top, "test", "dist"));
cpSync(join(root, "test", "package.json"), join(top, "test", "package.json"));
cpSync(join(root, "test", "fixtures", "ops"), join(top, "test", "fixtures", "ops"), { recursive: true });
for (const folder of ["packages/tensor/bench/browser", "packages/autograd/bench/dist"]) {
  copyCode(join(root, folder), join(top, folder));
}
for (const name of ["gpu-check.mjs", "gpu-report.mjs"]) {
  cpSync(join(root, "scripts", name), join(top, "scripts", name));
}

const add = join(top, "node_modules", "webgpu");
cpSync(join(webgpu, "dist", platform), join(add, "dist", platform), { recursive: true });
for (const name of ["index.js", "package.json", "LICENSE.md"]) cpSync(join(webgpu, name), join(add, name));
if (values.jax !== undefined) copyCode(values.jax, join(top, "node_modules", "@jax-js", "jax"));

cpSync(values.node, join(top, "node"));
if (output("strip", join(top, "node")) === null) console.log("gpu-pack: no strip, Node keeps its symbols");
for (const name of LIBRARIES) {
  if (known.has(name)) cpSync(realpathSync(known.get(name)), join(top, "lib", name));
}
writeFileSync(
  join(top, "run.sh"),
  `#!/bin/sh
# Checks the gpu backend here: sh run.sh [FOLDER FOR THE REPORT] [options of gpu-check.mjs]
out=\${1:-.}
[ $# -gt 0 ] && shift
here=$(cd "$(dirname "$0")" && pwd)
# What this machine lacks of the libraries.
own=$(/sbin/ldconfig -p 2>/dev/null)
mkdir -p "$here/missing"
for file in "$here"/lib/*; do
  name=\${file##*/}
  case "$own" in *"$name "*) ;; *) ln -sf "$file" "$here/missing/$name" ;; esac
done
export LD_LIBRARY_PATH="$here/missing\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
# Drivers outside the folders where the loader looks.
if [ -z "$VK_DRIVER_FILES" ]; then
  drivers=$(find /usr /opt -path '*vulkan/icd.d/*.json' ! -path '/usr/share/*' 2>/dev/null | paste -s -d :)
  [ -n "$drivers" ] && export VK_ADD_DRIVER_FILES="$drivers"
fi
echo "libraries: $(ls "$here/missing" | paste -s -d ' '); drivers: \${VK_DRIVER_FILES:-of this machine} $VK_ADD_DRIVER_FILES"
export ECHO_WEBGPU="$here/node_modules/webgpu/index.js"
exec "$here/node" "$here/scripts/gpu-check.mjs" --out "$out" "$@"
`,
);

const tar = spawnSync(
  "tar",
  ["-C", stage, "--owner=0", "--group=0", "-I", "gzip -9", "-cf", values.to, "gpu-check"],
  {
    stdio: "inherit",
  },
);
rmSync(stage, { recursive: true });
if (tar.status !== 0) fail("tar failed");
console.log(`gpu-pack: ${values.to}, ${(statSync(values.to).size / 1e6).toFixed(1)} MB`);
