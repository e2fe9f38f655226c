import { build } from "vite";

const [, , project, out] = process.argv;
await build({
  root: project,
  logLevel: "warn",
  build: {
    outDir: out,
    emptyOutDir: true,
    target: "esnext",
    rollupOptions: { input: `${project}/main.js`, output: { entryFileNames: "main.js" } },
  },
});
