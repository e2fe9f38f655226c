import { build } from "esbuild";

const [, , project, out] = process.argv;
await build({
  entryPoints: [`${project}/main.js`],
  outdir: out,
  bundle: true,
  splitting: true,
  format: "esm",
  minify: true,
});
