// Every package in a real browser: bundled as a user would, and run in Chromium, which is software rendering here.
// Without Chromium the tests are skipped. ECHO_BROWSER=all compares more cases of each op and trains for longer.
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import type { Page as Tab } from "playwright-core";
import t, { type Test } from "tap";
import { OP_NAMES } from "../gpu/op-cases.ts";
import { TRAPS } from "../gpu/traps.ts";
import { bundle, firstFiles, launchChromium, openTestPages, skipWithoutChromium } from "./chromium.ts";

t.setTimeout(1_200_000); // a browser that computes graphics in software

/** Largest sizes allowed, in kB (1000 bytes) after gzip, of the files that a page loads at its start. */
const LIMITS = {
  "@echo-ts/tensor": 140,
  "@echo-ts/autograd": 140,
  "@echo-ts/audio": 120,
  "@echo-ts/echo-model": 240,
};

/** What comes later, on demand: npm packages whose code must be in none of the first files. */
const ON_DEMAND = /node_modules\/(gpu\.js|@audio\/decode-\w+)\//;

t.test("every package bundles for browsers, small, without Node's modules, nothing left out", async (t) => {
  for (const [name, limit] of Object.entries(LIMITS)) {
    const { outputFiles, metafile } = await bundle(`export * from ${JSON.stringify(name)};`);
    const first = firstFiles(metafile.outputs);
    const early = new Set(first.map((path) => path.split("/").at(-1)));
    const sizes = { early: [0, 0], late: [0, 0] };
    for (const { path, contents } of outputFiles) {
      const sum = sizes[early.has(path.split("/").at(-1)) ? "early" : "late"];
      sum[0]! += contents.length;
      sum[1]! += gzipSync(contents).length;
    }
    t.comment(
      `${name}: ${sizes.early[0]} bytes minified, ${sizes.early[1]} after gzip; on demand ${sizes.late[0]}, ${sizes.late[1]}`,
    );
    t.ok(sizes.early[1]! < limit * 1000, `${name} takes ${sizes.early[1]} bytes of ${limit} kB`);
    t.same(
      Object.values(metafile.outputs).flatMap(({ imports }) => imports.filter(({ external }) => external)),
      [],
    );
    const inputs = first.flatMap((path) => Object.keys(metafile.outputs[path]!.inputs));
    t.same(
      inputs.filter((path) => ON_DEMAND.test(path)),
      [],
      "gpu.js and decoders come on demand",
    );
    const late = Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs));
    t.ok(
      late.some((path) => ON_DEMAND.test(path)),
      "and do come",
    );
  }
});

t.test("in Chromium", { skip: skipWithoutChromium, timeout: 1_000_000 }, async (t) => {
  const { open: openPage, call, close, gpuProcessBytes } = await openTestPages();
  t.teardown(close);
  const open = (kind: "isolated" | "plain"): Promise<Tab> =>
    openPage(kind, (error) => t.fail(`page error: ${error.message}`));

  /** PyTorch's values and gradients on a backend of the page. */
  const checkGolden = async (t: Test, tab: Tab, backend: "wasm" | "gpu"): Promise<void> => {
    const runs = await call(tab, "golden", backend);
    for (const { name, worst } of runs) t.ok(worst <= 1, `PyTorch's ${name}: ${worst} of the tolerance`);
    const tensors = runs.reduce((sum, run) => sum + run.tensors, 0);
    t.comment(`${runs.length} golden cases, ${tensors} tensors`);
    t.ok(runs.length >= 180, `${runs.length} golden cases`);
  };

  for (const kind of ["isolated", "plain"] as const) {
    await t.test(`wasm and plain code, ${kind} page`, { timeout: 300_000 }, async (t) => {
      const tab = await open(kind);
      t.equal(await call(tab, "isolated"), kind === "isolated");
      const { same, info } = await call(tab, "wasm");
      t.ok(same, "the product agrees with the reference backend");
      t.comment(JSON.stringify(info));
      const { threads } = info as { threads: number };
      if (kind === "plain") t.equal(threads, 1, "one thread");
      else t.ok(threads > 1, `${threads} threads`);
      t.same(await call(tab, "packages"), { gradient: [6], peak: 64 });
      await checkGolden(t, tab, "wasm");
      t.same(await call(tab, "flac"), { sampleRate: 16000, worst: 0 }, "a FLAC file is decoded exactly");
      await tab.close();
    });
  }

  for (const mode of ["webgl2", "webgpu"] as const) {
    await t.test(mode, { timeout: 600_000 }, async (t) => {
      const tab = await open("plain");
      const refused = await call(tab, "refused", mode);
      t.match(refused, /initGpu: found no GPU \(.*software rendering.*allowSoftware: true/);
      const info = await call(tab, "start", mode);
      t.comment(JSON.stringify(info));
      t.match(info, { mode, software: true });
      // First, because some are about a kernel's first run.
      const results = await call(tab, "traps");
      for (const [i, trap] of TRAPS.entries()) t.same(results[i], trap.expected, trap.name);

      const all = process.env.ECHO_BROWSER === "all";
      for (const { op, worst, at } of await call(tab, "ops", OP_NAMES, all ? "all" : "first")) {
        t.ok(worst <= 1e-5, `${op}: ${worst.toExponential(1)} ${at}`);
      }
      await checkGolden(t, tab, "gpu");
      const worst = await call(tab, "chains", all ? 60 : 10);
      t.ok(worst <= 1e-5, `random chains: ${worst}`);
      const { actual, expected } = await call(tab, "echo", all ? 12 : 1);
      actual.losses.forEach((loss, i) => {
        t.ok(Math.abs(loss / expected.losses[i]! - 1) < 1e-3, `loss ${loss}, expected ${expected.losses[i]}`);
      });
      t.same(actual.tokens, expected.tokens, "the same transcript");

      const steps = all ? 2000 : 200;
      await call(tab, "memory", 100);
      const before = await gpuProcessBytes();
      const { losses, peaks, arrays, heap } = await call(tab, "memory", steps);
      const after = await gpuProcessBytes();
      t.comment(`${steps} steps; most bytes ${peaks}; arrays ${arrays}; heap ${heap}; loss ${losses}`);
      t.comment(`GPU process: ${before} bytes before, ${after} after`);
      const later = losses.slice(5);
      t.ok(later.reduce((sum, loss) => sum + loss) / later.length < 0.9 * Math.log(4), "better than chance");
      t.ok(Math.max(...arrays) <= arrays[0]!, `arrays on the device: ${arrays}`);
      t.ok(Math.max(...peaks) < 2 ** 20, `most bytes on the device: ${peaks}`);
      t.ok(heap.at(-1)! < heap[1]! + 2 ** 20, `bytes of the heap: ${heap}`);
      if (before !== null) t.ok(after! < before + 2 ** 26, `bytes of the GPU process: ${before}, ${after}`);
      await tab.close();
    });

    const accidents = {
      lose: `the ${mode} device was lost, and with it what it held; call`,
      refuse:
        mode === "webgpu"
          ? /the webgpu device refused a command \(.*usage.*\), so that its results cannot be trusted; use smaller batches if memory ran out, call/is
          : "the webgl2 device refused a command (WebGL error 1280), so that its results cannot be trusted; use smaller batches if memory ran out, call",
    };
    for (const kind of ["lose", "refuse"] as const) {
      await t.test(
        `${mode}: ${kind === "lose" ? "a lost device" : "a device that refuses a command"}`,
        { timeout: 300_000 },
        async (t) => {
          const tab = await open("plain");
          const { errors, lost, again } = await call(tab, "accident", mode, kind);
          t.equal(errors.length, 4);
          for (const error of errors) {
            t.match(error, accidents[kind]);
            t.match(
              error,
              /^BackendError: gpu: .* await initGpu\(\) again and load the weights from the last checkpoint$/s,
            );
          }
          t.same(lost, [kind === "lose", false]);
          t.same(again, [2, 2, 2], "a new start works");
          await tab.close();
        },
      );
    }
  }
});

t.test(
  "the comparison page measures every backend",
  { skip: skipWithoutChromium, timeout: 300_000 },
  async (t) => {
    const path = "../../../packages/tensor/bench/browser/serve.mjs";
    const { serve } = (await import(path)) as { serve(port: number): Promise<Server> };
    const server = await serve(0);
    const browser = await launchChromium();
    t.teardown(async () => {
      await browser.close();
      server.close();
    });
    const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
    const tab = await context.newPage();
    await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/?small`, { timeout: 120_000 });
    await tab.waitForFunction("globalThis.report?.done", undefined, { timeout: 240_000 });
    const report = (await tab.evaluate("globalThis.report")) as { backends: Record<string, object> };
    const { backends } = report;
    for (const name of ["reference", "wasm", "webgl2", "webgpu"]) {
      const measured = backends[name] as { times: Record<string, { minimum: number }>; failed?: string };
      t.equal(measured.failed, undefined, name);
      t.equal(Object.keys(measured.times).length, 3, `${name} measures the three small items`);
      t.ok(Object.values(measured.times).every(({ minimum }) => minimum > 0));
    }
    t.match(await tab.textContent("#table"), /matmul 64/);

    t.same(JSON.parse((await tab.textContent("#json"))!), report, "all figures are shown");
    await tab.click("#copy");
    await tab.waitForFunction("document.getElementById('state').textContent === 'Copied.'");
    t.same(JSON.parse(await tab.evaluate("navigator.clipboard.readText()")), report, "and copied");
    await tab.evaluate("navigator.clipboard.writeText = () => Promise.reject(new Error('forbidden'))");
    await tab.click("#copy");
    await tab.waitForFunction("/are selected/.test(document.getElementById('state').textContent)");
    t.same(JSON.parse(await tab.evaluate("String(getSelection())")), report, "or else selected");
  },
);
