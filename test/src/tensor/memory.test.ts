// Nobody frees tensors by hand, and memory stays flat: a small chain of ops, 5 000 times, with and without
// awaits, on every backend. Each run is a process of its own, so that nothing else moves its resident set.
import { spawnSync } from "node:child_process";
import t from "tap";
import { everyBackend } from "./every-backend.ts";

const MIB = 2 ** 20;
/** A leak would show as 5 000 x 6 results x 4 KiB = 117 MiB. */
const ALLOWED = 32 * MIB;

/** How the loop lets others run: not at all, or by awaiting the event loop now and then. */
const WAYS = { "without awaits": "", "with awaits": "if (i % 20 === 0) { await x.data(); await turn(); }" };

const program = (backend: string, between: string): string => `
  import * as e from "@echo-ts/tensor";
  e.setBackend(${JSON.stringify(backend)});
  const w = e.randomNormal([32, 32], e.stream(1, "w"), 0, 0.05);
  let x = e.ones([32, 32]);
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const run = async (n, most) => {
    for (let i = 0; i < n; i++) {
      x = e.softmax(x.mul(w).tanh().add(1).transpose());
      ${between}
      if (i % 100 === 0) most = Math.max(most, process.memoryUsage.rss());
    }
    return most;
  };
  await run(6000, 0); // the collector takes its time to settle, and wasm lets 16 MiB of garbage come together
  const before = process.memoryUsage.rss();
  const most = await run(5000, before);
  console.log(JSON.stringify({ before, most, finite: Number.isFinite(x.sum().item()) }));
  process.exit(0);
`;

for (const backend of await everyBackend()) {
  for (const [way, between] of Object.entries(WAYS)) {
    t.test(`${backend.name}, ${way}`, async (t) => {
      const { stdout, stderr, status } = spawnSync(
        process.execPath,
        ["--input-type=module", "--eval", program(backend.name, between)],
        { cwd: import.meta.dirname, encoding: "utf8" },
      );
      t.equal(status, 0, stderr);
      const { before, most, finite } = JSON.parse(stdout);
      t.ok(finite);
      const grown = Math.round((most - before) / MIB);
      t.ok(most - before < ALLOWED, `grown by ${grown} MiB from ${Math.round(before / MIB)} MiB`);
    });
  }
}
