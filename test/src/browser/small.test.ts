// The small entry in Chromium, bundled by esbuild: which files the page loads at first and which when it asks for all
// kernels, and what both compute.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import t from "tap";
import { bundle, firstFiles, launchChromium, skipWithoutChromium } from "./chromium.ts";

t.setTimeout(300_000);

/** A page whose address says whether it loads all kernels; what it found is in `findings`. */
const PAGE = `
import { attention, initWasm, matmul, softmax, stream, randomNormal, sum, tensor, wasmInfo } from "@echo-ts/tensor/small";
globalThis.findings = (async () => {
  if (location.hash === "#all") await initWasm({ kernels: "all", threads: 2 });
  else await initWasm({ threads: 2 });
  const a = tensor([[1, 2], [3, 4]]);
  const q = randomNormal([1, 2, 9, 8], stream(1, "q"));
  const result = {
    product: matmul(a, a).toArray(),
    double: sum(a.cast("float64")).item(),
    softmax: softmax(a).sum().item(),
    attention: sum(attention(q, q, q)).item(),
    threads: wasmInfo().threads,
    kernels: wasmInfo().kernels,
    refused: "",
  };
  await initWasm({ kernels: "all" }).catch((error) => { result.refused = error.name; });
  return result;
})();`;

interface Findings {
  readonly product: readonly (readonly number[])[];
  readonly double: number;
  readonly softmax: number;
  readonly attention: number;
  readonly threads: number;
  readonly kernels: string;
  readonly refused: string;
}

t.test("a page of the small entry", { skip: skipWithoutChromium }, async (t) => {
  const { outputFiles, metafile } = await bundle(PAGE);
  const files = new Map(outputFiles.map(({ path, contents }) => [path.split("/").at(-1)!, contents]));
  const first = firstFiles(metafile.outputs).map((path) => path.split("/").at(-1)!);
  const asked: string[] = [];
  const server = createServer(({ url = "" }, response) => {
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    const file = files.get(url.slice(1));
    if (file !== undefined) asked.push(url.slice(1));
    response.setHeader("Content-Type", file === undefined ? "text/html" : "text/javascript");
    response.end(file ?? '<script type="module" src="stdin.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await launchChromium();
  t.teardown(async () => {
    await browser.close();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const visit = async (hash: string): Promise<{ found: Findings; loaded: string[] }> => {
    asked.length = 0;
    const tab = await browser.newPage();
    tab.on("pageerror", (error) => t.fail(`page error: ${error.message}`));
    await tab.goto(origin + hash);
    const found = (await tab.evaluate("globalThis.findings")) as Findings;
    await tab.close();
    return { found, loaded: [...asked].sort() };
  };
  const small = await visit("");
  t.strictSame(small.loaded, [...first].sort(), "no file beside the first ones");
  t.strictSame([small.found.kernels, small.found.threads, small.found.refused], ["small", 2, "BackendError"]);
  const all = await visit("#all");
  t.ok(all.loaded.length > first.length, `${all.loaded.join(", ")}`);
  t.strictSame([all.found.kernels, all.found.threads, all.found.refused], ["all", 2, ""]);
  for (const { found } of [small, all]) {
    t.strictSame(found.product, [
      [7, 10],
      [15, 22],
    ]);
    t.equal(found.double, 10);
    t.ok(Math.abs(found.softmax - 2) < 1e-6);
  }
  t.ok(Math.abs(small.found.attention - all.found.attention) < 1e-4, "composed, and by its kernel");
});
