// Compiles the AssemblyScript kernels of the wasm backend into generated/modules.ts, and those of the small entry into
// generated/small-modules.ts, as text (kernel-text.mjs), so that neither Node nor a page has to fetch anything, and writes
// what the host must know of them into generated/contract.ts (kernel-contract.mjs). Nothing is done while sources and
// compiler are unchanged.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { contractSource } from "./kernel-contract.mjs";
import { modulesSource } from "./kernel-text.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const backend = join(root, "packages", "tensor", "src", "backends", "wasm");
const assembly = join(backend, "assembly");
const generated = join(backend, "generated");

/** One matrix-product module per register tile; the loader picks by measuring. Each module's constants
 * have an address range of their own, because all instances share one memory. `core` has a part of `kernels` for a page
 * that is to load little: at shrink level 1 AssemblyScript takes log and pow of float64 without tables of 10 kB, and
 * binaryen repeats no function; the order of operations in everything else stays. */
const MODULES = [
  { name: "kernels", entry: "kernels.ts", memoryBase: 16384 },
  { name: "core", entry: "core.ts", memoryBase: 16384, small: true },
  { name: "gemm-4x8", entry: "gemm.ts", memoryBase: 1024, tile: [4, 8, 4] },
  { name: "gemm-4x16", entry: "gemm.ts", memoryBase: 1024, tile: [4, 16, 2] },
  { name: "gemm-4x8-fma", entry: "gemm.ts", memoryBase: 1024, tile: [4, 8, 4], fma: true },
  { name: "gemm-6x8-fma", entry: "gemm.ts", memoryBase: 1024, tile: [6, 8, 2], fma: true },
  { name: "gemm-4x16-fma", entry: "gemm.ts", memoryBase: 1024, tile: [4, 16, 2], fma: true },
];

/**
 * The register tile of a matrix product: MR x NR sums in MR * NR / 4 vectors. Its shape follows from how V8
 * schedules, and each point is worth 10 % or more:
 * - `steps` steps of k a round. V8 moves the loads of a basic block to its top and sinks sums to where they
 *   are next used, which spills registers in a longer body. The way out after every step ends the block, and
 *   as it uses the sums, they are finished before it.
 * - The test at the end of the loop: V8 takes invariant additions (the address of the memory plus the offset
 *   of a broadcast load) out of a loop only from blocks that every way out passes.
 * - Addresses advance just before their use: the result of a 32-bit addition needs no extension to 64 bits.
 * - C is read row by row at the end: all of it at once would spill a sum inside the loop.
 */
function tileSource([mr, nr, steps], fma) {
  const rows = [...Array(mr).keys()];
  const columns = [...Array(nr / 4).keys()];
  const lines = (list, text) => list.map(text).join("\n");
  const multiply = (i, j) => `    c${i}_${j} = multiplyAdd(c${i}_${j}, a${i}, b${j});`;
  const step = (s) => `    {
    a += ${4 * mr};
${s === 0 ? `    b += ${4 * nr * steps};` : ""}
${lines(columns, (j) => `    const b${j} = v128.load(b, ${4 * nr * s + 16 * j});`)}
${lines(rows, (i) => `    const a${i} = v128.load32_splat(a, ${4 * i});\n${lines(columns, (j) => multiply(i, j))}`)}
${s < steps - 1 ? `    if (k == ${s + 1}) break;` : ""}
    }`;
  const finish = (i) => `  if (add) {
${lines(columns, (j) => `    c${i}_${j} = f32x4.add(v128.load(c, ${16 * j}), c${i}_${j});`)}
  }
${lines(columns, (j) => `  v128.store(c, c${i}_${j}, ${16 * j});`)}
  c += ldc;`;
  return `// Written by scripts/wasm.mjs: the register tile of ${mr} x ${nr}.
export const MR: i32 = ${mr};
export const NR: i32 = ${nr};

/** c + a b, rounded once or twice. */
@inline export function multiplyAdd(c: v128, a: v128, b: v128): v128 {
  return ${fma ? "f32x4.relaxed_madd(a, b, c)" : "f32x4.add(c, f32x4.mul(a, b))"};
}

/** C = A B, or C += A B, of one sliver of A (k columns of ${mr}) and one of B (k rows of ${nr}). */
export function tile(k: i32, a: usize, b: usize, c: usize, ldc: usize, add: bool): void {
${lines(rows, (i) => lines(columns, (j) => `  let c${i}_${j} = i32x4.splat(0);`))}
  a -= ${4 * mr};
  b -= ${4 * nr * steps};
  if (k > 0) do {
${lines([...Array(steps).keys()], step)}
    k -= ${steps};
  } while (k > 0);
${lines(rows, finish)}
}
`;
}

/** The binary of a module, or, with `typings`, what the compiler says of its exports. */
async function compile(asc, module, typings = false) {
  const virtual = module.tile ? { "tile.ts": tileSource(module.tile, module.fma) } : {};
  const wanted = typings ? "out.d.ts" : "out.wasm";
  let output;
  const args = [
    module.entry,
    ...(typings ? ["--bindings", "raw"] : ["-O3", "--shrinkLevel", module.small ? "1" : "0"]),
    ...["--noAssert", "--runtime", "stub", "--noExportMemory", "--importMemory", "--initialMemory", "1"],
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
      if (name === wanted) output = contents;
    },
    listFiles: () => [],
  });
  if (error) throw new Error(`wasm: ${module.name} does not compile: ${error.message}\n${stderr}`);
  return output;
}

/** Builds what is out of date; returns how many modules were compiled. */
export async function buildWasm() {
  const version = JSON.parse(
    readFileSync(join(root, "node_modules", "assemblyscript", "package.json"), "utf8"),
  ).version;
  const hash = createHash("sha256")
    .update(version)
    .update(readFileSync(fileURLToPath(import.meta.url)))
    .update(readFileSync(join(root, "scripts", "kernel-contract.mjs")))
    .update(readFileSync(join(root, "scripts", "kernel-text.mjs")));
  const files = readdirSync(assembly)
    .filter((file) => file.endsWith(".ts"))
    .sort();
  const sources = files.map((file) => readFileSync(join(assembly, file), "utf8"));
  files.forEach((file, i) => {
    hash.update(file).update(sources[i]);
  });
  const stamp = join(generated, ".stamp");
  const wanted = hash.digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return 0;

  const asc = await import("assemblyscript/asc");
  mkdirSync(generated, { recursive: true });
  const binaries = new Map();
  for (const module of MODULES) {
    const binary = await compile(asc, module);
    binaries.set(
      module.name.replace(/-(.)/g, (_, letter) => letter.toUpperCase()),
      { archive: module.tile ? "products" : "kernels", binary },
    );
    console.error(`wasm: ${module.name} ${binary.length} bytes`);
  }
  const write = (file, doc, has) =>
    writeFileSync(
      join(generated, file),
      modulesSource(
        [...binaries].filter(([name]) => has(name)),
        doc,
      ),
    );
  write("modules.ts", "All kernels and products.", (name) => name !== "core");
  write("small-modules.ts", "What the small entry has.", (name) => name === "core" || name === "gemm4x8");
  const contract = sources[files.indexOf("contract.ts")];
  const product = MODULES.find(({ tile }) => tile);
  const typings = [await compile(asc, MODULES[0], true), await compile(asc, product, true)];
  writeFileSync(join(generated, "contract.ts"), contractSource(contract, sources, typings));
  writeFileSync(stamp, wanted);
  return MODULES.length;
}
