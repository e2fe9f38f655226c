// Serves the comparison page on this machine, with the headers that let the wasm backend use threads:
// `npm run bench:browser`, then open the address that it prints. The port may be given as an argument.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

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
