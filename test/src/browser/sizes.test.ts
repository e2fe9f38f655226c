// What one product costs a page: bundled by esbuild for browsers, minified, the files that load at the start after gzip
// and Brotli. The README of tensor has the table. small.test.ts runs the small entry in a browser.
import { brotliCompressSync, gzipSync } from "node:zlib";
import t from "tap";
import { bundle, firstFiles } from "./chromium.ts";

t.setTimeout(300_000);

interface Size {
  readonly gzip: number;
  readonly brotli: number;
  /** The sources of the files that load at the start. */
  readonly inputs: readonly string[];
}

/** The size of a page that multiplies two matrices with functions of `entry`. */
async function sizeOf(entry: string): Promise<Size> {
  const { outputFiles, metafile } = await bundle(`
    import { matmul, ones } from ${JSON.stringify(entry)};
    console.log(String(matmul(ones([2, 2]), ones([2, 2]))));`);
  const first = firstFiles(metafile.outputs);
  const names = first.map((path) => path.split("/").at(-1));
  let gzip = 0;
  let brotli = 0;
  for (const { path, contents } of outputFiles) {
    if (!names.includes(path.split("/").at(-1))) continue;
    gzip += gzipSync(contents, { level: 9 }).length;
    brotli += brotliCompressSync(contents).length;
  }
  const inputs = first.flatMap((path) => Object.keys(metafile.outputs[path]!.inputs));
  t.comment(`${entry}: ${gzip} bytes after gzip, ${brotli} after Brotli`);
  return { gzip, brotli, inputs };
}

/** What only Node can use; package.json names what bundles for browsers have in its place. */
const OF_NODE = /dist\/(debug|profile|backends\/wasm\/tiering)\.js$/;

t.test("one product on the reference backend takes less than 30 kB", async (t) => {
  const { gzip, inputs } = await sizeOf("@echo-ts/tensor/reference");
  t.ok(gzip < 30_000, `${gzip} bytes`);
  t.strictSame(
    inputs.filter((path) => /backends\/(wasm|gpu)|gpu\.js/.test(path) || OF_NODE.test(path)),
    [],
    "without code of wasm and gpu, and for Node",
  );
});

t.test(
  "one product by the small entry's kernels takes less than 60 kB, the others in files that wait",
  async (t) => {
    const { gzip, brotli, inputs } = await sizeOf("@echo-ts/tensor/small");
    t.ok(gzip < 60_000, `${gzip} bytes`);
    t.ok(brotli < 53_000, `${brotli} bytes after Brotli`);
    t.ok(inputs.some((path) => path.endsWith("wasm/generated/small-modules.js")));
    t.strictSame(
      inputs.filter((path) => /generated\/modules|wasm\/(all-set|attention|fourier)|gpu\//.test(path)),
      [],
      "without the main entry's kernels",
    );
  },
);

t.test(
  "one product on the wasm backend takes less than 87 kB, all kernels of every dtype included",
  async (t) => {
    const { gzip, brotli, inputs } = await sizeOf("@echo-ts/tensor");
    t.ok(gzip < 87_000, `${gzip} bytes`);
    t.ok(brotli < 75_000, `${brotli} bytes after Brotli`);
    t.notOk(
      inputs.some((path) => path.endsWith("small-modules.js")),
      "not the small entry's beside them",
    );
    t.strictSame(
      inputs.filter((path) => OF_NODE.test(path)),
      [],
      "without what only Node can use",
    );
  },
);

t.test("under the condition echo-small, autograd's pages take the small kernels too", async (t) => {
  const program = `
    import { Linear } from "@echo-ts/autograd";
    import { ones, sum } from "@echo-ts/tensor";
    const net = new Linear(2, 2).initialize(1);
    sum(net.forward(ones([1, 2]))).backward();`;
  const [all, small] = await Promise.all(
    [[], ["echo-small"]].map((conditions) => bundle(program, conditions)),
  );
  const inputsOf = ({ metafile }: Awaited<ReturnType<typeof bundle>>): string[] =>
    firstFiles(metafile.outputs).flatMap((path) => Object.keys(metafile.outputs[path]!.inputs));
  t.ok(inputsOf(all!).some((path) => path.endsWith("wasm/generated/modules.js")));
  t.notOk(inputsOf(small!).some((path) => path.endsWith("wasm/generated/modules.js")));
});
