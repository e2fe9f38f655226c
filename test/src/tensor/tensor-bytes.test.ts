// `maximumBytes` bounds the elements of all tensors, in the WebAssembly memory and in typed arrays; what the collector may
// free does not count. Each case is a process of its own, as the limit is set once.
import { spawnSync } from "node:child_process";
import t from "tap";

t.setTimeout(300_000); // on a busy machine

const ENGINE = new URL("../../../packages/tensor/dist/backends/wasm/engine.js", import.meta.url).href;
const TENSOR = new URL("../../../packages/tensor/dist/index.js", import.meta.url).href;

function run(program: string): { code: number | null; out: string } {
  const source = `import { configureWasm } from ${JSON.stringify(ENGINE)};\n${program}`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", source], {
    encoding: "utf8",
    timeout: 60_000,
  });
  return { code: status, out: stdout + stderr };
}

/** What makes 1 MiB. */
const MAKERS: Readonly<Record<string, string>> = {
  ones: "ones([2 ** 18])",
  tensor: "tensor(new Float32Array(2 ** 18))",
  add: "add(first, held.length)",
};

for (const backend of ["wasm", "reference"]) {
  for (const [op, make] of Object.entries(MAKERS)) {
    t.test(`${backend}, ${op}: tensors that are held take no more than maximumBytes`, async (t) => {
      const { code, out } = run(
        `import { add, BackendError, ones, setBackend, tensor, zeros } from ${JSON.stringify(TENSOR)};
         configureWasm({ maximumBytes: 64 * 2 ** 20, threads: 1 });
         setBackend(${JSON.stringify(backend)});
         const first = ones([2 ** 18]); // 1 MiB
         const held = [];
         let error = null;
         while (error === null && held.length < 1000) {
           try { held.push(${make}); } catch (caught) { error = caught; }
         }
         console.log(error instanceof BackendError, held.length > 50 && held.length <= 66, error?.message);
         const before = process.memoryUsage().arrayBuffers;
         console.log(before < 100 * 2 ** 20, held.every((x) => x.dataSync().length === 2 ** 18));
         held.length = 0;
         try { zeros([2 ** 28]); } catch (error) { console.log(error.message.slice(0, 57)); } // 1 GiB
         console.log(process.memoryUsage().arrayBuffers < before + 2 ** 28, typeof gc);`,
      );
      t.equal(code, 0, out);
      const lines = out.trim().split("\n");
      t.match(
        lines[0],
        new RegExp(
          `^true true ${op}: out of memory: 1\\.0 MiB asked for, tensors take 6[3-6]\\.\\d MiB, \\d+\\.\\d MiB of it in typed arrays, limit 64\\.0 MiB; use smaller`,
        ),
      );
      t.equal(lines[1], "true true", "held below the limit, and readable");
      t.equal(lines[2], "zeros: out of memory: 1024.0 MiB asked for, tensors take ");
      t.equal(lines[3], "true undefined", "refused before it was made; gc is not left behind");
    });
  }

  t.test(`${backend}: what the collector may free does not count`, async (t) => {
    const { code, out } = run(
      `import { add, ones, setBackend, sum } from ${JSON.stringify(TENSOR)};
       configureWasm({ maximumBytes: 64 * 2 ** 20, threads: 1 });
       setBackend(${JSON.stringify(backend)});
       const held = Array.from({ length: 20 }, () => ones([2 ** 18])); // 20 MiB
       const own = [];
       let x = held[0];
       for (let i = 0; i < 300; i++) {
         x = add(x, held[i % 20]);
         if (i < 100) own.push(x.dataSync().slice()); // 100 MiB that are not tensors
       }
       console.log(sum(x).item() / 2 ** 18, own.length, sum(held[7]).item() / 2 ** 18);
       held.push(...Array.from({ length: 10 }, () => ones([2 ** 18])));
       console.log(process.memoryUsage().arrayBuffers < 250 * 2 ** 20);`,
    );
    t.equal(code, 0, out);
    t.equal(out.trim(), "301 100 1\ntrue", "without a word on stderr");
  });
}
