// Serves the comparison page on this machine, with the headers that let the wasm backend use threads:
// `npm run bench:browser`, then open the address that it prints. The port may be given as an argument. jax-js is
// measured beside ours if `pnpm bench:peers` has installed it.
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

/** jax-js for the page, or nothing if it is not installed. */
const peers = {
  name: "peers",
  setup({ onResolve, onLoad }) {
    const cache = join(import.meta.dirname, "..", "..", "..", "..", "node_modules", ".cache", "bench-peers");
    onResolve({ filter: /^echo-ts:jax$/ }, () => ({ path: "jax", namespace: "echo-ts" }));
    onLoad({ filter: /^jax$/, namespace: "echo-ts" }, () => ({
      contents: existsSync(join(cache, "node_modules", "@jax-js", "jax"))
        ? 'import * as jax from "@jax-js/jax"; export default jax;'
        : "export default null;",
      resolveDir: cache,
    }));
  },
};

/** The page and its bundled scripts by path. */
export async function bundlePage() {
  const folder = import.meta.dirname;
  const { outputFiles } = await build({
    entryPoints: [join(folder, "page.js")],
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    outdir: "/",
    write: false,
    plugins: [peers],
  });
  const files = new Map(outputFiles.map(({ path, contents }) => [path, contents]));
  return files.set("/", readFileSync(join(folder, "index.html")));
}

/** Starts the server; port 0 takes any free one. */
export async function serve(port) {
  const files = await bundlePage();
  const server = createServer(({ url }, response) => {
    const { pathname } = new URL(url, "http://localhost");
    const file = files.get(pathname);
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    response.setHeader("Content-Type", pathname === "/" ? "text/html" : "text/javascript");
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  return server;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const server = await serve(Number(process.argv[2] ?? 8086));
  console.log(`open http://localhost:${server.address().port}/ in the browser to measure; Ctrl+C ends`);
}
