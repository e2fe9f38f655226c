// Content security policies in Chromium: which backend each leaves, what is said, and that values are the same. Nothing
// but the npm package gpu.js and the accessors of the package ndarray evaluates strings, and both are loaded on demand.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import t from "tap";
import { bundle, launchChromium, skipWithoutChromium } from "./chromium.ts";
import type { CspFindings } from "./csp-page.ts";

t.setTimeout(300_000);

interface Policy {
  readonly policy: string;
  readonly isolated?: true;
  readonly backend: "wasm" | "reference";
  readonly threads: "one" | "several";
}

const BARRED =
  "@echo-ts/tensor: the content security policy bars WebAssembly (script-src lacks 'wasm-unsafe-eval'); tensors are computed in TypeScript, which is slower";

const POLICIES: readonly Policy[] = [
  { policy: "script-src 'self'", backend: "reference", threads: "one" },
  { policy: "script-src 'self' 'wasm-unsafe-eval'", backend: "wasm", threads: "one" },
  { policy: "script-src 'self'", isolated: true, backend: "reference", threads: "one" },
  { policy: "script-src 'self' 'wasm-unsafe-eval'", isolated: true, backend: "wasm", threads: "one" },
  {
    policy: "script-src 'self' 'wasm-unsafe-eval'; worker-src blob:",
    isolated: true,
    backend: "wasm",
    threads: "several",
  },
];

t.test("pages with a content security policy", { skip: skipWithoutChromium }, async (t) => {
  const { outputFiles } = await bundle('import "./csp-page.js";');
  const files = new Map(outputFiles.map(({ path, contents }) => [path, contents]));
  const server = createServer(({ url = "" }, response) => {
    const [, index = "", name = ""] = url.split("/");
    const { policy, isolated } = POLICIES[Number(index)] ?? POLICIES[0]!;
    response.setHeader("Content-Security-Policy", policy);
    if (isolated) {
      response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
      response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    }
    const file = files.get(`/${name}`);
    response.setHeader("Content-Type", file === undefined ? "text/html" : "text/javascript");
    response.end(file ?? '<script type="module" src="stdin.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await launchChromium();
  t.teardown(async () => {
    await browser.close();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  for (const [index, { policy, isolated, backend, threads }] of POLICIES.entries()) {
    await t.test(`${policy}${isolated ? ", isolated" : ""}`, async (t) => {
      const tab = await browser.newPage();
      const warnings: string[] = [];
      tab.on("console", (message) => {
        if (message.type() === "warning") warnings.push(message.text());
      });
      tab.on("pageerror", (error) => t.fail(`page error: ${error.message}`));
      await tab.goto(`http://127.0.0.1:${port}/${index}/`);
      const { found, error } = (await tab.evaluate("globalThis.findings")) as {
        found?: CspFindings;
        error?: string;
      };
      t.equal(error, undefined);
      t.equal(found!.backend, backend);
      t.strictSame(
        [found!.product, found!.gradient],
        [
          [21, 43],
          [1, 10, 1, 10],
        ],
      );
      t.strictSame([found!.mel.at(0), found!.mfcc.at(0)], [128, 20]);
      t.ok(Math.abs(found!.pitch - 200) < 0.5, `pitch ${found!.pitch} Hz`);
      t.strictSame(warnings, backend === "wasm" ? [] : [BARRED], "said once, or nothing to say");
      const { info } = found!;
      t.equal(info === null, backend === "reference");
      if (info === null) return;
      t.equal(info.threads > 1, threads === "several", `${info.threads} threads`);
      if (isolated && threads === "one") {
        t.match(info.notes.join("\n"), /worker 1 has ended, one thread runs/);
      }
      await tab.close();
    });
  }
});
