// Times other JavaScript libraries on the items they support, in one run with our own: `pnpm bench:peers`.
// They are no dependency of the workspace: the first run installs the pinned versions below into
// node_modules/.cache/bench-peers. Data, initial weights and protocol are those of the benchmark proper.
//   pnpm bench:peers [--items LIST] [--budget-ms N] [--json] [--peers wasm,tfjs-wasm,jax-js-wasm]
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const VERSIONS = {
  "@jax-js/jax": "0.1.25",
  "@tensorflow/tfjs": "4.22.0",
  "@tensorflow/tfjs-backend-wasm": "4.22.0",
};

const here = dirname(fileURLToPath(import.meta.url));
const cache = join(here, "..", "..", "..", "..", "node_modules", ".cache", "bench-peers");
const { values } = parseArgs({
  options: {
    items: { type: "string", default: "matmul,gelu_1M,exp,add,softmax,micro_mlp_step,train_d128" },
    "budget-ms": { type: "string", default: "1000" },
    json: { type: "boolean", default: false },
    peers: { type: "string", default: "wasm,tfjs-wasm,jax-js-wasm" },
  },
});

function install() {
  const manifest = JSON.stringify({ private: true, dependencies: VERSIONS }, null, 2);
  const stamp = join(cache, `installed-${Object.values(VERSIONS).join("-")}`);
  if (existsSync(stamp)) return;
  console.error(`bench: installing ${Object.keys(VERSIONS).join(", ")} into ${cache}`);
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, "package.json"), manifest);
  const windows = process.platform === "win32";
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
  const { status } = spawnSync(windows ? "npm.cmd" : "npm", args, {
    cwd: cache,
    stdio: ["ignore", 2, 2],
    shell: windows,
  });
  if (status !== 0) {
    console.error("bench: the peers could not be installed; is the registry within reach?");
    process.exit(status ?? 1);
  }
  writeFileSync(stamp, "");
}

const SCRIPTS = {
  wasm: [join(here, "..", "dist", "main.js"), "--json"],
  "tfjs-wasm": [join(here, "tfjs.mjs"), "--cache", cache],
  "jax-js-wasm": [join(here, "jax.mjs"), "--cache", cache],
};

/** Runs one library in a process of its own and hands on its lines. */
async function runPeer(name, print) {
  const args = [...SCRIPTS[name], "--items", values.items, "--budget-ms", values["budget-ms"]];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: child.stdout })) {
    // The libraries print notices of their own.
    if (line.startsWith('{"item"')) print(JSON.parse(line));
  }
}

const names = values.peers.split(",");
const unknown = names.find((name) => !(name in SCRIPTS));
if (unknown !== undefined) {
  console.error(
    `bench: --peers: unknown peer "${unknown}", expected some of: ${Object.keys(SCRIPTS).join(", ")}`,
  );
  process.exit(1);
}
install();
const ours = new Map();
for (const name of names) {
  await runPeer(name, (line) => {
    if (name === "wasm") ours.set(line.item, line.msMin);
    if (values.json) {
      console.log(JSON.stringify(line));
      return;
    }
    const own = ours.get(line.item);
    const share =
      name === "wasm" || own === undefined ? "" : `ours takes ${(own / line.msMin).toPrecision(2)} of it`;
    const cells = [
      line.backend.padEnd(13),
      line.item.padEnd(20),
      String(line.msMin).padStart(10),
      String(line.msMedian).padStart(10),
    ];
    console.log(`${cells.join(" ")}  ${line.check.toPrecision(8).padStart(12)}  ${share}`);
  });
}
