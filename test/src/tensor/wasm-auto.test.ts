// The default mode: 256-bit operations where V8 is known to do them well (Node 24, 26), compiled in windows. What runs is
// said, the bits are those of the plain code, and V8's flags are as before for whatever else the program compiles.
import { spawnSync } from "node:child_process";
import * as e from "@echo-ts/tensor";
import t from "tap";
import { flagsSet, PROGRAM } from "./wasm-auto-program.ts";

t.setTimeout(300_000);

const skip = e.wasmAvailable() ? false : "this engine cannot run the wasm backend";
/** Versions of V8 that tiering.ts names. */
const known = /^(13\.6|14\.6)\./.test(process.versions.v8);

/** What the program found. */
interface Found {
  readonly info: e.WasmInfo;
  readonly hashes: Readonly<Record<string, string>>;
  /** Flags set of V8, in order. */
  readonly flags: readonly string[];
  /** Ops after which a flag was not what it was at the start. */
  readonly open: readonly string[];
}

function run(env: Readonly<Record<string, string>>, args: readonly string[] = []): Found {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...args, "--input-type=module", "-e", PROGRAM],
    { cwd: import.meta.dirname, env: { ...process.env, ECHO_WASM_MODE: "", ...env }, encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`the program exits with ${status}: ${stderr}`);
  return JSON.parse(stdout) as Found;
}

t.test(
  "the default gives the bits of simd, for every kernel and for one and two threads",
  { skip },
  async (t) => {
    const simd = run({ ECHO_WASM_MODE: "simd", ECHO_THREADS: "1" });
    t.equal(simd.info.mode, "simd");
    t.strictSame(simd.flags, [], "simd sets no flag of V8");
    t.ok(Object.keys(simd.hashes).length > 40, `${Object.keys(simd.hashes).length} results`);
    for (const threads of ["1", "2"]) {
      const auto = run({ ECHO_THREADS: threads });
      t.strictSame(auto.hashes, simd.hashes, `${threads} threads`);
      t.match(auto.info.mode, known ? /^(simd|revectorize)$/ : /^simd$/, auto.info.mode);
      if (!known) t.strictSame(auto.flags, [], "no flag is set on a V8 that was not tested");
      else t.strictSame(flagsSet(auto.flags), {}, "every flag is what it was at the start");
      t.strictSame(auto.open, [], "and so it was after each op, when other code may compile");
    }
  },
);

t.test("a process with wasm flags of its own keeps them", { skip }, async (t) => {
  const { info, flags } = run({}, ["--wasm-dynamic-tiering"]);
  t.equal(info.mode, "simd");
  t.strictSame(flags, []);
});
