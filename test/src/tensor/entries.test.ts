// The entries of the package: what each has, and what each starts. A fresh process for the reference entry, because the
// backend is chosen on import.
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import * as main from "@echo-ts/tensor";
import * as internal from "@echo-ts/tensor/internal";
import t from "tap";

const ROOT = join(import.meta.dirname, "..", "..", "..");

/** What a module prints that runs in a process of its own, beside the packages of this workspace. */
const run = (source: string): string =>
  execFileSync(process.execPath, ["--input-type=module", "-e", source], {
    encoding: "utf8",
    cwd: join(ROOT, "test"),
  }).trim();

/** Names that only the main entry has: settings of the backends that the reference entry leaves out. */
const OF_BACKENDS = ["configureWasm", "gpuInfo", "initGpu", "initWasm", "wasmAvailable", "wasmInfo"];

t.test("the reference entry has all of the main entry but the other backends", async (t) => {
  const names = JSON.parse(
    run(`import * as e from "@echo-ts/tensor/reference"; console.log(JSON.stringify(Object.keys(e)))`),
  ) as string[];
  t.strictSame(
    names,
    Object.keys(main).filter((name) => !OF_BACKENDS.includes(name)),
  );
});

t.test("it computes on the reference backend, and says where wasm is", async (t) => {
  const source = `
    import { getBackend, listBackends, matmul, ones, setBackend, tensor } from "@echo-ts/tensor/reference";
    console.log(getBackend().name, listBackends().join(), matmul(tensor([[1, 2]]), ones([2, 1])).item());
    try { setBackend("wasm"); } catch (error) { console.log(String(error)); }`;
  t.equal(
    run(source),
    'reference reference 3\nBackendError: setBackend: backend "wasm" is not loaded; import "@echo-ts/tensor" for it',
  );
});

t.test("the main entry beside it makes wasm the default of the same tensors", async (t) => {
  const source = `
    import { ones, Tensor } from "@echo-ts/tensor/reference";
    import * as main from "@echo-ts/tensor";
    console.log(ones([1]).backend.name, main.Tensor === Tensor);`;
  t.equal(run(source), "wasm true");
});

t.test("what extends the ops stands in the internal entry, and there alone", async (t) => {
  const both = Object.keys(internal).filter((name) => name in main);
  t.strictSame(both, [], "no name has two entries");
  t.ok("apply" in internal && "OPS" in internal && "Scope" in internal);
  const gone = spawnSync(
    process.execPath,
    ["--input-type=module", "-e", 'import { apply } from "@echo-ts/tensor"; console.log(apply)'],
    { encoding: "utf8", cwd: join(ROOT, "test") },
  );
  t.match(gone.stderr, /does not provide an export named 'apply'/);
});
