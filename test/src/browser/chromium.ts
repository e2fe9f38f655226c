// Drives Debian's Chromium by playwright-core, on pages served from this machine with and without the headers
// that allow threads. Its WebGL 2 and WebGPU are software (SwiftShader).
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type BuildResult, build, type Metafile } from "esbuild";
import { type Browser, chromium, type Page as Tab } from "playwright-core";
import { goldenFiles } from "../read-golden.ts";
import type { Page } from "./page.ts";

const CHROMIUM = process.env.ECHO_CHROMIUM ?? "/usr/bin/chromium";

/** `skip` option for tests that need a browser: false, or why there is none. */
export const skipWithoutChromium: string | false = existsSync(CHROMIUM)
  ? false
  : `no browser at ${CHROMIUM}; install Debian's chromium or name one in ECHO_CHROMIUM`;

const FLAGS = [
  "--no-sandbox",
  "--disable-quic",
  "--disable-background-networking",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
  "--js-flags=--expose-gc",
  "--enable-precise-memory-info",
];

/** A headless browser. */
export const launchChromium = (flags: readonly string[] = []): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, ...flags] });

/** Bundles as a user would: from the published files, for browsers, nothing left out, with conditions of the user's own. */
export const bundle = (
  contents: string,
  conditions: readonly string[] = [],
): Promise<BuildResult<{ write: false; outdir: string; metafile: true }>> =>
  build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    ...(conditions.length > 0 && { conditions: [...conditions, "module"] }),
    outdir: "/",
    write: false,
    metafile: true,
    logLevel: "silent",
  });

/** The files that a page loads with the first one: what it imports by statements, and so on. */
export function firstFiles(outputs: Metafile["outputs"]): string[] {
  const found = [Object.keys(outputs).find((path) => path.endsWith("stdin.js"))!];
  for (const path of found) {
    for (const { kind, path: next } of outputs[path]!.imports) {
      if (kind === "import-statement" && !found.includes(next)) found.push(next);
    }
  }
  return found;
}

/** Pages that have all four packages and page.ts. */
export interface TestPages {
  /** A new page, with the headers that allow threads ("isolated") or without. */
  open(kind: "isolated" | "plain", onError: (error: Error) => void): Promise<Tab>;
  /** Calls a function of page.ts in a page. */
  call<K extends keyof Page>(
    tab: Tab,
    name: K,
    ...given: Parameters<Page[K]>
  ): Promise<Awaited<ReturnType<Page[K]>>>;
  /** Resident bytes of the browser's GPU process, where device memory is; null where /proc does not tell. */
  gpuProcessBytes(): Promise<number | null>;
  close(): Promise<void>;
}

/** Bundles page.ts, serves it and starts the browser. */
export async function openTestPages(): Promise<TestPages> {
  const { outputFiles } = await bundle('import "./page.js";');
  const files = new Map(outputFiles.map(({ path, contents }) => [path, contents]));
  const { index, packed } = goldenFiles();
  const server = createServer(({ url = "" }, response) => {
    const [, kind, name = ""] = url.split("/");
    if (kind === "fixtures") {
      if (name === "golden.json") return void response.end(index);
      response.setHeader("Content-Encoding", "gzip");
      return void response.end(packed);
    }
    if (kind === "isolated") {
      response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
      response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    }
    const file = files.get(`/${name}`);
    response.setHeader("Content-Type", file === undefined ? "text/html" : "text/javascript");
    if (name === "" || file !== undefined)
      response.end(file ?? '<script type="module" src="stdin.js"></script>');
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const browser = await launchChromium();
  return {
    async open(kind, onError) {
      const tab = await browser.newPage();
      tab.on("pageerror", onError);
      await tab.goto(`${origin}/${kind}/`);
      await tab.waitForFunction("globalThis.echoTs !== undefined");
      return tab;
    },
    call: (tab, name, ...given) =>
      tab.evaluate(`globalThis.echoTs[${JSON.stringify(name)}](...${JSON.stringify(given)})`),
    async gpuProcessBytes() {
      const session = await browser.newBrowserCDPSession();
      const { processInfo } = await session.send("SystemInfo.getProcessInfo");
      const id = processInfo.find(({ type }) => type === "GPU")?.id;
      const file = `/proc/${id}/statm`;
      if (!existsSync(file)) return null;
      return 4096 * Number(readFileSync(file, "utf8").split(" ")[1]);
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}
