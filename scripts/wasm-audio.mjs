// Compiles the audio package's wasm kernels into packages/audio/src/generated, base64 inside, as wasm.mjs does for the
// tensor package. Nothing is done while sources and compiler are unchanged.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const sources = join(root, "packages", "audio", "src", "assembly");
const generated = join(root, "packages", "audio", "src", "generated");

/** The sources that become modules (the others are imported by these), and the names of the constants that hold them. */
const KERNELS = { frames: "FRAMES_WASM", convolve: "CONVOLVE_WASM", "pitch-path": "PITCH_PATH_WASM" };

/** Builds the kernels when they are out of date. */
export async function buildAudioWasm() {
  const compiler = readFileSync(join(root, "node_modules", "assemblyscript", "package.json"), "utf8");
  const hash = createHash("sha256").update(JSON.parse(compiler).version);
  hash.update(readFileSync(fileURLToPath(import.meta.url)));
  for (const name of readdirSync(sources).sort()) hash.update(readFileSync(join(sources, name)));
  const stamp = join(generated, ".stamp");
  const wanted = hash.digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  mkdirSync(generated, { recursive: true });
  for (const [name, constant] of Object.entries(KERNELS)) await buildOne(name, constant);
  writeFileSync(stamp, wanted);
}

async function buildOne(name, constant) {
  const asc = await import("assemblyscript/asc");
  const file = `${name}.ts`;
  let binary;
  const memory = ["--noExportMemory", "--importMemory", "--initialMemory", "1", "--maximumMemory", "65536"];
  const { error, stderr } = await asc.main(
    [
      file,
      ...["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd", "--outFile", "out.wasm"],
      ...memory,
    ],
    {
      readFile: (asked) =>
        existsSync(join(sources, asked)) ? readFileSync(join(sources, asked), "utf8") : null,
      writeFile: (asked, contents) => {
        if (asked === "out.wasm") binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`wasm: the audio kernel ${name} does not compile: ${error.message}\n${stderr}`);
  const text = Buffer.from(binary).toString("base64");
  const head = `// Written by scripts/wasm-audio.mjs from ../assembly/${file}. Do not edit.`;
  const doc = `/** The wasm module of ../assembly/${file}, ${binary.length} bytes, as base64. */`;
  writeFileSync(join(generated, file), `${head}\n${doc}\nexport const ${constant}: string = "${text}";\n`);
  console.error(`wasm: audio ${name} ${binary.length} bytes`);
}
