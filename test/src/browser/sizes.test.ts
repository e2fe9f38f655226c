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
const sizeOf = (entry: string): Promise<Size> =>
  sizeOfPage(
    entry,
    `import { matmul, ones } from ${JSON.stringify(entry)};
     console.log(String(matmul(ones([2, 2]), ones([2, 2]))));`,
  );

/** The size of a page that runs `program`. */
async function sizeOfPage(what: string, program: string, conditions: readonly string[] = []): Promise<Size> {
  const { outputFiles, metafile } = await bundle(program, conditions);
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
  t.comment(`${what}: ${gzip} bytes after gzip, ${brotli} after Brotli`);
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

/** Pages of the other packages, with the most that they may load, with all kernels and with the small ones. */
const PAGES = {
  "a training step of a linear layer": {
    program: `
      import { AdamW, crossEntropyLoss, Linear } from "@echo-ts/autograd";
      import { ones, tensor } from "@echo-ts/tensor";
      const net = new Linear(2, 2).initialize(1);
      const optimizer = new AdamW(net, { learningRate: 0.1 });
      crossEntropyLoss(net.forward(ones([1, 2])), tensor([1], { dtype: "int32" })).backward();
      await optimizer.step();`,
    limits: [110_000, 80_000],
  },
  "log-mel features": {
    program:
      'import { echoLogMel } from "@echo-ts/audio"; console.log(echoLogMel(new Float32Array(16000)).shape);',
    limits: [20_000],
  },
  pitch: {
    program: `
      import { trackPitch } from "@echo-ts/audio";
      console.log(trackPitch(new Float32Array(16000), { sampleRate: 16000 }));`,
    limits: [28_000],
  },
  "decoding audio": {
    program:
      'import { decodeAudio } from "@echo-ts/audio"; console.log(await decodeAudio(new Uint8Array(44)));',
    limits: [25_000],
  },
  "an Echo and its greedy search": {
    program: 'import { Echo, greedyDecode } from "@echo-ts/echo-model"; console.log(Echo, greedyDecode);',
    limits: [120_000, 90_000],
  },
} as const;

t.test("pages of the other packages load no more than the table of docs/runtimes.md says", async (t) => {
  for (const [what, { program, limits }] of Object.entries(PAGES)) {
    for (const [i, limit] of limits.entries()) {
      const { gzip } = await sizeOfPage(what, program, i === 0 ? [] : ["echo-small"]);
      t.ok(gzip < limit, `${what}: ${gzip} bytes`);
    }
  }
});
