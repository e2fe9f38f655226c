// Products of few rows, which are not packed (assembly/gemv.ts): a row has the bits that it has among many, in every
// layout, for every count of terms and columns that its loops treat apart, in every mode and for one and two threads.
import { spawnSync } from "node:child_process";
import * as T from "@echo-ts/tensor";
import t from "tap";
import { type Both, both, distance, view } from "./wasm-and-reference.ts";

t.setTimeout(300_000);

const skip = T.wasmAvailable() ? false : "this engine cannot run the wasm backend";

/** Terms around the steps of four and the blocks of 256; columns around the steps of eight and the strips of 1024. */
const TERMS = [1, 3, 4, 255, 256, 257, 519];
const COLUMNS = [1, 2, 5, 8, 11, 1030];

const LAYOUTS: Record<string, (x: T.Tensor) => T.Tensor> = {
  "dense rows": (b) => b,
  "dense columns": (b) => T.transpose(T.clone(T.transpose(b))),
  "every second row": (b) => T.slice(T.repeat(b, 2, 0), [{ step: 2 }]),
  "every second column": (b) => T.slice(T.repeat(b, 2, 1), [null, { step: 2 }]),
};

t.test("against the reference backend in float64", { skip }, async (t) => {
  for (const rows of [1, 2, 3, 4, 5]) {
    let worst = 0;
    for (const k of TERMS) {
      for (const n of COLUMNS) {
        const a = both([rows, k], 3);
        const b = both([k, n], 4);
        for (const change of Object.values(LAYOUTS)) {
          const right = view(b, change);
          worst = Math.max(
            worst,
            distance(T.matmul(a.wasm, right.wasm), T.matmul(a.reference, right.reference)),
          );
        }
      }
    }
    t.ok(worst < 2e-6, `${rows} rows: ${worst}`);
  }
});

t.test("a row has the bits that it has among sixteen", { skip }, async (t) => {
  for (const [layout, change] of Object.entries(LAYOUTS)) {
    const different: string[] = [];
    for (const k of TERMS) {
      for (const n of COLUMNS.filter((n) => n > 1)) {
        const a = both([16, k], 5).wasm;
        const b = change(both([k, n], 6).wasm);
        const all = T.matmul(a, b).dataSync();
        for (const rows of [1, 2, 3, 4]) {
          const some = T.matmul(T.narrow(a, 0, 7, rows), b).dataSync();
          if (some.some((x, i) => !Object.is(x, all[7 * n + i]))) different.push(`${rows} x ${k} x ${n}`);
          const turned = T.transpose(T.clone(T.transpose(T.narrow(a, 0, 7, rows)))); // dense columns
          if (
            T.matmul(turned, b)
              .dataSync()
              .some((x, i) => !Object.is(x, some[i]))
          )
            different.push(`${rows} turned`);
        }
      }
    }
    t.strictSame(different, [], layout);
  }
});

t.test("a single column has the bits that it has among many", { skip }, async (t) => {
  for (const k of TERMS) {
    const x = both([3, 40, k], 7).wasm;
    const w = both([9, k], 8).wasm;
    const bias = both([9], 9).wasm;
    const all = T.linear(x, w, bias); // [3, 40, 9]
    const one = T.linear(x, T.narrow(w, 0, 4, 1), T.narrow(bias, 0, 4, 1));
    t.strictSame(one.dataSync(), T.narrow(all, 2, 4, 1).reshape([3, 40, 1]).dataSync(), `linear, ${k} terms`);
    const batch = both([3, k, 6], 10).wasm; // a matrix each
    const products = T.matmul(x, batch);
    const columns = T.matmul(x, T.narrow(batch, 2, 2, 1));
    t.strictSame(
      columns.dataSync(),
      T.narrow(products, 2, 2, 1).reshape([3, 40, 1]).dataSync(),
      `matmul, ${k} terms`,
    );
  }
});

t.test("linear with a bias, matrices for each of a batch, and values at the edge", { skip }, async (t) => {
  const check = (name: string, f: (x: (both: Both) => T.Tensor) => T.Tensor): void => {
    const d = distance(
      f((x) => x.wasm),
      f((x) => x.reference),
    );
    t.ok(d < 2e-6, `${name}: ${d}`);
  };
  const [x, w, bias] = [both([1, 300], 11), both([77, 300], 12), both([77], 13)];
  check("linear", (of) => T.linear(of(x), of(w), of(bias)));
  const [q, k] = [both([2, 3, 1, 32], 14), both([2, 3, 50, 32], 15)];
  check("a row for each head", (of) => T.matmul(of(q), T.transpose(of(k))));
  check("attention of one query", (of) => T.attention(of(q), of(k), of(k)));
  const nothing = both([1, 0], 16);
  check("no terms", (of) => T.matmul(of(nothing), T.reshape(of(nothing), [0, 1])));
  const values = T.matmul(
    T.tensor([[1, -1, 0]]),
    T.tensor([
      [Number.POSITIVE_INFINITY, 1],
      [2, Number.NaN],
      [3, 4],
    ]),
  );
  t.strictSame(
    values.toArray(),
    [[Number.POSITIVE_INFINITY, Number.NaN]],
    "Infinity and NaN stay in their columns",
  );
  const zero = T.matmul(T.tensor([[-0]]), T.tensor([[1, 2]])).dataSync();
  t.ok(
    zero.every((z) => Object.is(z, 0)),
    "a sum begins at 0, also of -0",
  );
});

/** Prints the mode and a hash of products of one to six rows, large enough for two threads. */
const PROGRAM = `
import { createHash } from "node:crypto";
import * as e from "@echo-ts/tensor";
e.setBackend("wasm");
const random = e.stream(2, "rows");
const draw = (shape) => e.tensor(Float32Array.from({ length: shape[0] * shape[1] }, () => random.normal()), { shape });
const wide = draw([700, 2000]);
const hash = createHash("sha256");
let same = true;
for (let round = 0; round < 12; round++) {
  for (const b of [wide, e.transpose(wide)]) {
    const a = draw([6, b.shape[0]]);
    const all = e.matmul(a, b);
    for (let rows = 1; rows <= 6; rows++) {
      const some = e.matmul(e.narrow(a, 0, 0, rows), b).dataSync();
      const expected = e.narrow(all, 0, 0, rows).dataSync();
      if (some.some((x, i) => !Object.is(x, expected[i]))) same = false;
      hash.update(some);
    }
  }
  if (round === 3) await new Promise((resolve) => setTimeout(resolve, 500)); // the second thread starts
}
console.log(JSON.stringify({ info: e.wasmInfo(), hash: hash.digest("hex"), same }));
`;

t.test("every mode, one and two threads", { skip }, async (t) => {
  const run = (mode: string, threads: string): { info: T.WasmInfo; hash: string; same: boolean } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", PROGRAM], {
      cwd: import.meta.dirname,
      env: { ...process.env, ECHO_WASM_MODE: mode, ECHO_THREADS: threads },
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`the program exits with ${status}: ${stderr}`);
    return JSON.parse(stdout);
  };
  const simd = run("simd", "1");
  t.ok(simd.same, "simd: rows alone have the bits of rows among many");
  for (const [mode, threads] of [
    ["simd", "2"],
    ["auto", "1"],
    ["auto", "2"],
  ] as const) {
    const other = run(mode, threads);
    t.equal(other.hash, simd.hash, `${mode}, here ${other.info.mode}, ${threads} threads: the bits of simd`);
  }
  const [one, two] = [run("fma", "1"), run("fma", "2")];
  t.ok(one.same, `fma, here ${one.info.mode}: rows alone have the bits of rows among many`);
  t.equal(two.hash, one.hash, "and for two threads");
  if (one.info.mode === "fma") t.not(one.hash, simd.hash, "the mode is really on");
});
