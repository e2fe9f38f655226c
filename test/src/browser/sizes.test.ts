// What one product costs a page: bundled by esbuild for browsers, minified, the files that load at the start after gzip
// and Brotli. The README of tensor has the table.
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

t.test("one product on the reference backend takes less than 30 kB", async (t) => {
  const { gzip, inputs } = await sizeOf("@echo-ts/tensor/reference");
  t.ok(gzip < 30_000, `${gzip} bytes`);
  t.strictSame(
    inputs.filter((path) => /backends\/(wasm|gpu)|gpu\.js/.test(path)),
    [],
    "without code of wasm and gpu",
  );
});

t.test(
  "one product on the wasm backend takes less than 88 kB, all kernels of every dtype included",
  async (t) => {
    const { gzip, brotli } = await sizeOf("@echo-ts/tensor");
    t.ok(gzip < 88_000, `${gzip} bytes`);
    t.ok(brotli < 75_000, `${brotli} bytes after Brotli`);
  },
);
