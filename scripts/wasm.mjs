// Compiles the AssemblyScript kernels of the wasm backend into generated/*.ts, base64 inside, so that
// neither Node nor a page has to fetch anything. Nothing is done while sources and compiler are unchanged.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const backend = join(root, "packages", "tensor", "src", "backends", "wasm");
const assembly = join(backend, "assembly");
const generated = join(backend, "generated");

/** One matrix-product module per register tile; the loader picks by measuring. Each module's constants
 * have an address range of their own, because all instances share one memory. */
const MODULES = [
  { name: "kernels", entry: "kernels.ts", memoryBase: 16384 },
  { name: "gemm-4x8", entry: "gemm.ts", memoryBase: 1024, tile: [4, 8] },
  { name: "gemm-6x8", entry: "gemm.ts", memoryBase: 1024, tile: [6, 8] },
  { name: "gemm-4x8-fma", entry: "gemm.ts", memoryBase: 1024, tile: [4, 8], fma: true },
  { name: "gemm-6x8-fma", entry: "gemm.ts", memoryBase: 1024, tile: [6, 8], fma: true },
  { name: "gemm-3x16-fma", entry: "gemm.ts", memoryBase: 1024, tile: [3, 16], fma: true },
];

/**
 * The register tile of a matrix product: MR x NR sums in MR * NR / 4 vectors. The loop is not unrolled:
 * V8 moves all loads of a block to its top, so a longer body spills registers.
 */
function tileSource([mr, nr], fma) {
  const rows = [...Array(mr).keys()];
  const columns = [...Array(nr / 4).keys()];
  const each = (text) => rows.flatMap((i) => columns.map((j) => text(i, j))).join("\n");
  const step = (i, j) =>
    fma
      ? `    c${i}_${j} = f32x4.relaxed_madd(a${i}, b${j}, c${i}_${j});`
      : `    c${i}_${j} = f32x4.add(c${i}_${j}, f32x4.mul(a${i}, b${j}));`;
  return `// Written by scripts/wasm.mjs: the register tile of ${mr} x ${nr}.
export const MR: i32 = ${mr};
export const NR: i32 = ${nr};

/** C = A B, or C += A B, of one sliver of A (kc columns of ${mr}) and one of B (kc rows of ${nr}). */
export function tile(kc: i32, a: usize, b: usize, c: usize, ldc: usize, add: bool): void {
${each((i, j) => `  let c${i}_${j} = i32x4.splat(0);`)}
  const end = b + ((kc * ${nr}) << 2);
  while (b < end) {
${columns.map((j) => `    const b${j} = v128.load(b, ${16 * j});`).join("\n")}
${rows.map((i) => `    const a${i} = v128.load32_splat(a, ${4 * i});\n${columns.map((j) => step(i, j)).join("\n")}`).join("\n")}
    a += ${4 * mr};
    b += ${4 * nr};
  }
  if (add) {
${each((i, j) => `    c${i}_${j} = f32x4.add(v128.load(c + ldc * ${i}, ${16 * j}), c${i}_${j});`)}
  }
${each((i, j) => `  v128.store(c + ldc * ${i}, c${i}_${j}, ${16 * j});`)}
}
`;
}

async function compile(asc, module) {
  const virtual = module.tile ? { "tile.ts": tileSource(module.tile, module.fma) } : {};
  let binary;
  const args = [
    module.entry,
    ...[
      "-O3",
      "--noAssert",
      "--runtime",
      "stub",
      "--noExportMemory",
      "--importMemory",
      "--initialMemory",
      "1",
    ],
    ...["--maximumMemory", "65536", "--memoryBase", String(module.memoryBase)],
    ...["--enable", "simd", "--enable", "relaxed-simd", "--outFile", "out.wasm"],
  ];
  const { error, stderr } = await asc.main(args, {
    readFile: (name) => {
      if (name in virtual) return virtual[name];
      const path = join(assembly, name);
      return existsSync(path) ? readFileSync(path, "utf8") : null;
    },
    writeFile: (name, contents) => {
      if (name === "out.wasm") binary = contents;
    },
    listFiles: () => [],
  });
  if (error) throw new Error(`wasm: ${module.name} does not compile: ${error.message}\n${stderr}`);
  return binary;
}

/** Builds what is out of date; returns how many modules were compiled. */
export async function buildWasm() {
  const version = JSON.parse(
    readFileSync(join(root, "node_modules", "assemblyscript", "package.json"), "utf8"),
  ).version;
  const hash = createHash("sha256")
    .update(version)
    .update(readFileSync(fileURLToPath(import.meta.url)));
  for (const file of readdirSync(assembly).sort())
    if (file.endsWith(".ts")) hash.update(file).update(readFileSync(join(assembly, file)));
  const stamp = join(generated, ".stamp");
  const wanted = hash.digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return 0;

  const asc = await import("assemblyscript/asc");
  mkdirSync(generated, { recursive: true });
  const types = [];
  const values = [];
  for (const module of MODULES) {
    const binary = await compile(asc, module);
    const constant = module.name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
    types.push(`  /** ${binary.length} bytes */\n  readonly ${constant}: string;`);
    values.push(`  ${constant}: "${Buffer.from(binary).toString("base64")}",`);
    console.error(`wasm: ${module.name} ${binary.length} bytes`);
  }
  const head = "// Written by scripts/wasm.mjs from ../assembly. Do not edit.";
  const type = `export interface Modules {\n${types.join("\n")}\n}`;
  const value = `export const MODULES: Modules = {\n${values.join("\n")}\n};`;
  writeFileSync(join(generated, "modules.ts"), `${head}\n${type}\n${value}\n`);
  writeFileSync(stamp, wanted);
  return MODULES.length;
}
