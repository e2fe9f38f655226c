import { build } from "vite";

const [, , project, out] = process.argv;
await build({
  root: project,
  logLevel: "warn",
  build: {
    // The program uses all four packages at once, a little more than Vite's 500 kB; browser/sizes.test.ts holds the sizes.
    chunkSizeWarningLimit: 600,
    outDir: out,
    emptyOutDir: true,
    target: "esnext",
    rollupOptions: { input: `${project}/main.js`, output: { entryFileNames: "main.js" } },
  },
});
