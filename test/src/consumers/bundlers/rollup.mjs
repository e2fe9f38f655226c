import commonjs from "@rollup/plugin-commonjs";
import resolve from "@rollup/plugin-node-resolve";
import { rollup } from "rollup";

const [, , project, out] = process.argv;
const bundle = await rollup({
  input: `${project}/main.js`,
  plugins: [resolve({ browser: true }), commonjs()],
  // Optional packages, each loaded where it is asked for.
  external: ["gpu.js", "@audio/decode-mp3", "@audio/decode-mp4"],
});
await bundle.write({ dir: out });
