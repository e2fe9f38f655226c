// What gpu.js cannot say, and what it costs: one matrix product in the forms that its kernels allow, and by hand-written
// WGSL on the same device and buffers, whose threads share a tile.
import type { GpuJs, GpuKernel, Handle } from "../../../../packages/tensor/dist/backends/gpu/gpu-js.js";
import { loadGpuJs } from "../../../../packages/tensor/dist/backends/gpu/gpu-js.js";
import { maxNorm } from "../op-cases.ts";
import type { Item } from "./item.ts";

/** What WebGPU has of what is used here; neither Node's types nor TypeScript's know it all. */
interface GpuBuffer {
  destroy(): void;
}
interface GpuDevice {
  createShaderModule(options: { code: string }): object;
  createComputePipeline(options: object): { getBindGroupLayout(index: number): object };
  createBindGroup(options: object): object;
  createBuffer(options: { size: number; usage: number; mappedAtCreation?: boolean }): GpuBuffer & {
    getMappedRange(): ArrayBuffer;
    unmap(): void;
  };
  createCommandEncoder(): {
    beginComputePass(): {
      setPipeline(pipeline: object): void;
      setBindGroup(index: number, group: object): void;
      dispatchWorkgroups(x: number, y: number): void;
      end(): void;
    };
    finish(): object;
  };
  readonly queue: { submit(commands: object[]): void };
}
interface BufferResult {
  toArray(): Promise<Float32Array>;
  delete(): void;
  readonly buffer: GpuBuffer;
  readonly context: { readonly device: GpuDevice };
  readonly kernel: object;
  output: number[];
  componentCount: number;
}

const START = "let s0 = 0.5; s0 = 0;";
const FOUR = "let s0 = 0.5; let s1 = 0.5; let s2 = 0.5; let s3 = 0.5; s0 = 0; s1 = 0; s2 = 0; s3 = 0;";

/** One step along k, without a variable for a position: gpu.js' variables are floats. */
const STEP = (j: string): string => `
  s0 = s0 + x0[this.thread.y * k + ${j}] * x1[${j} * n + this.thread.x * 4];
  s1 = s1 + x0[this.thread.y * k + ${j}] * x1[${j} * n + this.thread.x * 4 + 1];
  s2 = s2 + x0[this.thread.y * k + ${j}] * x1[${j} * n + this.thread.x * 4 + 2];
  s3 = s3 + x0[this.thread.y * k + ${j}] * x1[${j} * n + this.thread.x * 4 + 3];`;

/** Kernels over x0 [m, k] and x1 [k, n]. */
const FORMS = {
  "one element a thread": {
    output: (m: number, n: number) => [m * n],
    body: `
const row = Math.floor((this.thread.x + 0.5) / n);
const column = this.thread.x - row * n;
${START}
for (let j = 0; j < k; j++) { s0 = s0 + x0[row * k + j] * x1[j * n + column]; }
return s0;`,
  },
  "one element, groups of 8 x 8": {
    output: (m: number, n: number) => [n, m],
    body: `
${START}
for (let j = 0; j < k; j++) { s0 = s0 + x0[this.thread.y * k + j] * x1[j * n + this.thread.x]; }
return s0;`,
  },
  "Array(4), a row": {
    output: (m: number, n: number) => [(m * n) / 4],
    body: `
const row = Math.floor((this.thread.x + 0.5) / (n / 4));
const column = (this.thread.x - row * (n / 4)) * 4;
${FOUR}
for (let j = 0; j < k; j++) {
  const a = x0[row * k + j];
  const p = j * n + column;
  s0 = s0 + a * x1[p];
  s1 = s1 + a * x1[p + 1];
  s2 = s2 + a * x1[p + 2];
  s3 = s3 + a * x1[p + 3];
}
return [s0, s1, s2, s3];`,
  },
  "Array(4), a row, groups of 8 x 8": {
    output: (m: number, n: number) => [n / 4, m],
    body: `
const row = this.thread.y;
const column = this.thread.x * 4;
${FOUR}
for (let j = 0; j < k; j++) {
  const a = x0[row * k + j];
  const p = j * n + column;
  s0 = s0 + a * x1[p];
  s1 = s1 + a * x1[p + 1];
  s2 = s2 + a * x1[p + 2];
  s3 = s3 + a * x1[p + 3];
}
return [s0, s1, s2, s3];`,
  },
  "the same, positions in integers": {
    output: (m: number, n: number) => [n / 4, m],
    body: `
${FOUR}
for (let j = 0; j < k; j++) {
  ${STEP("j")}
}
return [s0, s1, s2, s3];`,
  },
  "the same, four steps a round": {
    output: (m: number, n: number) => [n / 4, m],
    body: `
${FOUR}
for (let j = 0; j < k; j += 4) {
  ${["j", "(j + 1)", "(j + 2)", "(j + 3)"].map(STEP).join("\n")}
}
return [s0, s1, s2, s3];`,
  },
} as const;

/** 64 x 64 elements per group of 256 threads, 4 x 4 per thread, tiles of 16 along k shared by the group. */
const TILED = `
@group(0) @binding(0) var<storage, read> a : array<f32>;
@group(0) @binding(1) var<storage, read> b : array<f32>;
@group(0) @binding(2) var<storage, read_write> y : array<f32>;
@group(0) @binding(3) var<storage, read> sizes : array<u32>;
var<workgroup> left : array<f32, 1024>;
var<workgroup> right : array<f32, 1024>;
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group : vec3<u32>, @builtin(local_invocation_index) t : u32) {
  let n = sizes[1];
  let k = sizes[2];
  let row = group.y * 64u;
  let column = group.x * 64u;
  let r = (t / 16u) * 4u;
  let c = (t % 16u) * 4u;
  var sum : array<vec4<f32>, 4>;
  for (var j = 0u; j < k; j += 16u) {
    for (var i = 0u; i < 4u; i++) {
      let at = t + i * 256u;
      left[(at % 16u) * 64u + at / 16u] = a[(row + at / 16u) * k + j + at % 16u];
      right[at] = b[(j + at / 64u) * n + column + at % 64u];
    }
    workgroupBarrier();
    for (var i = 0u; i < 16u; i++) {
      let p = i * 64u;
      let v = vec4<f32>(right[p + c], right[p + c + 1u], right[p + c + 2u], right[p + c + 3u]);
      sum[0] += left[p + r] * v;
      sum[1] += left[p + r + 1u] * v;
      sum[2] += left[p + r + 2u] * v;
      sum[3] += left[p + r + 3u] * v;
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u; i++) {
    let p = (row + r + i) * n + column + c;
    y[p] = sum[i].x;
    y[p + 1u] = sum[i].y;
    y[p + 2u] = sum[i].z;
    y[p + 3u] = sum[i].w;
  }
}`;
const [STORAGE, COPY_SRC] = [0x80, 0x04];

type Product = (a: BufferResult, b: BufferResult) => Promise<BufferResult>;

function byGpuJs(
  { GPU }: GpuJs,
  form: keyof typeof FORMS,
  [m, n, k]: readonly [number, number, number],
): Product {
  const { output, body } = FORMS[form];
  const kernel = new GPU({ mode: "webgpu" }).createKernel(`function (x0, x1, m, n, k) {\n${body}\n}`, {
    output: output(m, n),
    argumentTypes: ["Input", "Input", "Integer", "Integer", "Integer"],
    dynamicOutput: true,
    dynamicArguments: true,
    pipeline: true,
    immutable: true,
    precision: "single",
    tactic: "precision",
    loopMaxIterations: 2 ** 20,
  });
  return async (a, b) => {
    const result = (await kernel(a, b, m, n, k)) as unknown as BufferResult;
    // Four components a thread are m n floats in the order of rows.
    result.componentCount = 1;
    result.output = [m * n];
    return result;
  };
}

function byHand(sample: BufferResult, [m, n, k]: readonly [number, number, number]): Product {
  const { device } = sample.context;
  const module = device.createShaderModule({ code: TILED });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module, entryPoint: "main" } });
  const sizes = device.createBuffer({ size: 16, usage: STORAGE, mappedAtCreation: true });
  new Uint32Array(sizes.getMappedRange()).set([m, n, k]);
  sizes.unmap();
  const make = sample.constructor as new (settings: object) => BufferResult;
  return async (a, b) => {
    const buffer = device.createBuffer({ size: 4 * m * n, usage: STORAGE | COPY_SRC });
    const entries = [a.buffer, b.buffer, buffer, sizes].map((one, binding) => ({
      binding,
      resource: { buffer: one },
    }));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(n / 64, m / 64);
    pass.end();
    device.queue.submit([encoder.finish()]);
    return new make({ buffer, output: [m * n], context: sample.context, kernel: sample.kernel });
  };
}

const products: Item = {
  name: "products",
  about:
    "One matrix product, staying on the device, in the forms that gpu.js allows and in hand-written WGSL: milliseconds (the shortest of five), and 10^9 operations a second.",
  limit: 60,
  alone: true,
  async *run({ mode, small, at }) {
    if (mode !== "webgpu") return;
    const library = await loadGpuJs();
    const copy = new library.GPU({ mode }).createKernel("function (x0) { return x0[this.thread.x]; }", {
      output: [1],
      argumentTypes: ["Input"],
      dynamicOutput: true,
      dynamicArguments: true,
      pipeline: true,
      immutable: true,
      precision: "single",
      tactic: "precision",
      loopMaxIterations: 1,
    }) as GpuKernel;
    const upload = async (values: Float32Array): Promise<BufferResult> => {
      copy.setOutput([values.length]);
      return (await (copy(
        library.input(values, [values.length]),
      ) as Promise<Handle>)) as unknown as BufferResult;
    };
    for (const size of small ? [64] : [256, 1024, 2048]) {
      const values = (seed: number): Float32Array =>
        Float32Array.from({ length: size * size }, (_, i) => ((i * seed) % 17) / 16 - 0.5);
      const [a, b] = [await upload(values(7)), await upload(values(11))];
      const forms: [string, Product][] = (Object.keys(FORMS) as (keyof typeof FORMS)[]).map((form) => [
        form,
        byGpuJs(library, form, [size, size, size]),
      ]);
      forms.push(["WGSL, tiles of 64 x 64 in shared memory", byHand(a, [size, size, size])]);
      let expected: ArrayLike<number> | null = null;
      for (const [form, product] of forms) {
        const name = `${size}: ${form}`;
        at(name);
        const result = await product(a, b);
        const given = await result.toArray();
        result.delete();
        expected ??= given;
        const time = async (count: number): Promise<number> => {
          const start = performance.now();
          for (let i = 0; i < count; i++) {
            const y = await product(a, b);
            if (i === count - 1) await y.toArray();
            y.delete();
          }
          return performance.now() - start;
        };
        let [one, many] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
        const more = small ? 2 : 20;
        for (let run = 0; run < 5; run++) {
          one = Math.min(one, await time(1));
          many = Math.min(many, await time(1 + more));
        }
        const ms = (many - one) / more;
        const difference = maxNorm(given, expected);
        yield { name, ok: difference <= 1e-4, ms, "GFLOP/s": (2 * size ** 3) / ms / 1e6, difference };
      }
    }
  },
};

/** The item about products. */
export const PRODUCT_ITEMS: readonly Item[] = [products];
