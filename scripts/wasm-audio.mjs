// Compiles the audio package's wasm kernel into packages/audio/src/generated/frames.ts, base64 inside, as
// wasm.mjs does for the tensor package. Nothing is done while source and compiler are unchanged.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const source = join(root, "packages", "audio", "src", "assembly", "frames.ts");
const generated = join(root, "packages", "audio", "src", "generated");

/** Builds the kernel when it is out of date. */
export async function buildAudioWasm() {
  const compiler = readFileSync(join(root, "node_modules", "assemblyscript", "package.json"), "utf8");
  const hash = createHash("sha256").update(JSON.parse(compiler).version);
  hash.update(readFileSync(fileURLToPath(import.meta.url))).update(readFileSync(source));
  const stamp = join(generated, ".stamp");
  const wanted = hash.digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;

  const asc = await import("assemblyscript/asc");
  let binary;
  const memory = ["--noExportMemory", "--importMemory", "--initialMemory", "1", "--maximumMemory", "65536"];
  const { error, stderr } = await asc.main(
    [
      "frames.ts",
      ...["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd", "--outFile", "out.wasm"],
      ...memory,
    ],
    {
      readFile: (name) => (name === "frames.ts" ? readFileSync(source, "utf8") : null),
      writeFile: (name, contents) => {
        if (name === "out.wasm") binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`wasm: the audio kernel does not compile: ${error.message}\n${stderr}`);
  mkdirSync(generated, { recursive: true });
  const text = Buffer.from(binary).toString("base64");
  const head = "// Written by scripts/wasm-audio.mjs from ../assembly/frames.ts. Do not edit.";
  const doc = `/** The wasm module of ../assembly/frames.ts, ${binary.length} bytes, as base64. */`;
  writeFileSync(
    join(generated, "frames.ts"),
    `${head}\n${doc}\nexport const FRAMES_WASM: string = "${text}";\n`,
  );
  writeFileSync(stamp, wanted);
  console.error(`wasm: audio frames ${binary.length} bytes`);
}
