// The program that wasm-auto.test.ts runs in processes of their own.

const engine = new URL("../../../packages/tensor/dist/backends/wasm/engine.js", import.meta.url).href;

/** The flags whose last setting is not what a process starts with. */
export function flagsSet(flags: readonly string[]): Record<string, string> {
  const start: Record<string, string> = {
    "experimental-wasm-revectorize": "no",
    "wasm-sync-tier-up": "no",
    "wasm-tiering-budget": "13000000",
  };
  const left: Record<string, string> = {};
  for (const flag of flags) {
    const [, no, name, value] = /^--(no-)?([\w-]+)(?:=(\d+))?$/.exec(flag)!;
    const now = value ?? (no ? "no" : "yes");
    if (now === start[name!]) delete left[name!];
    else left[name!] = now;
  }
  return left;
}

/** Computes with every family of kernels in every dtype, on sizes that threads share; hashes, and the flags set. */
export const PROGRAM: string = `
import { createHash } from "node:crypto";
import v8 from "node:v8";
const flags = [];
const set = v8.setFlagsFromString;
v8.setFlagsFromString = (flag) => { flags.push(flag); set(flag); };
const e = await import("@echo-ts/tensor");
const { OPS, apply, NONE } = await import("@echo-ts/tensor/internal");
const { getEngine } = await import("${engine}");
getEngine().pool.start();
for (let i = 0; i < 100 && e.wasmInfo().threads > 1 && !getEngine().pool.ready; i++)
  await new Promise((done) => setTimeout(done, 50));
const random = e.stream(4, "auto");
const data = Float64Array.from({ length: 200 * 500 }, () => random.normal());
const hashes = {};
const open = [];
const flagsSet = ${flagsSet};
const note = (name, x) => {
  if (Object.keys(flagsSet(flags)).length > 0) open.push(name);
  hashes[name] = createHash("sha256").update(new Uint8Array(x.dataSync().slice().buffer)).digest("hex");
};
for (const round of [1, 2]) for (const dtype of ["float32", "float64", "int32", "bool"]) {
  const at = (name) => name + " " + dtype + " " + round;
  const x = e.tensor(data.map((v) => (dtype === "int32" ? Math.trunc(1000 * v) : v)), { shape: [200, 500] }).cast(dtype);
  const y = e.transpose(x, 0, 1).contiguous().reshape([200, 500]);
  for (const name of ["add", "mul", "sub", "maximum", "less", "equal"]) if (dtype !== "bool") note(at(name), e[name](x, y));
  for (const name of ["sum", "max", "argmax", "cumsum"]) for (const axis of [0, 1]) note(at(name + axis), e[name](x, axis));
  note(at("where"), e.where(e.less(x, y), x, y));
  for (const to of ["float32", "float64", "int32", "bool"]) note(at(to), x.cast(to));
  if (dtype !== "bool") note(at("matmul"), e.matmul(x, e.transpose(y, 0, 1)));
  if (dtype.startsWith("float")) {
    for (const name of ["exp", "log1p", "tanh", "sin", "gelu", "geluTanh", "silu", "sigmoid", "erf", "rsqrt", "square"])
      note(at(name), e[name](e.abs(x)));
    for (const name of ["softmax", "logSoftmax"]) note(at(name), e[name](x, 1));
    note(at("geluGrad"), apply(OPS.geluGrad, [y, x], NONE));
    note(at("layerNorm"), e.layerNorm(x));
    note(at("rmsNorm"), e.rmsNorm(x));
    const heads = e.narrow(e.narrow(x, 0, 0, 160).reshape([4, 40, 500]), 2, 0, 64);
    note(at("attention"), e.attention(heads, heads, heads, { causal: true }));
    const computedAgain = { scale: 0.1, causal: false, kept: false, biasGrad: false };
    note(at("attentionGrad"), apply(OPS.attentionGrad, [heads, heads, heads, heads], computedAgain));
    note(at("conv1d"), e.conv1d(e.narrow(x, 0, 0, 64).reshape([1, 64, 500]), e.narrow(e.narrow(y, 0, 0, 32), 1, 0, 192).reshape([32, 64, 3])));
    note(at("rfft"), e.rfft(x));
  }
}
console.log(JSON.stringify({ info: e.wasmInfo(), hashes, flags, open }));
`;
