// The plugin of Vite for the REPL: puts the examples into its page and writes the editor's completions beside it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { completions } from "./completions.mjs";
import { ROOT } from "./quote.mjs";

/** The examples in order. The first line of each, a comment, is its title; its name is the file's. */
export function readExamples() {
  const folder = join(ROOT, "site/repl/examples");
  return readdirSync(folder)
    .filter((file) => file.endsWith(".js"))
    .sort()
    .map((file) => {
      const code = readFileSync(join(folder, file), "utf8").trimEnd();
      return { name: file.slice(3, -3), title: code.split("\n")[0].replace(/^\/\/ /, ""), code };
    });
}

/** The plugin. It comes before layout.mjs. */
export const repl = () => ({
  name: "echo-site-repl",
  transformIndexHtml: {
    order: "pre",
    handler(html, { path }) {
      if (path !== "/repl/index.html") return html;
      const json = JSON.stringify(readExamples()).replaceAll("<", "\\u003c");
      return html.replace(
        "<!-- examples -->",
        () => `<script type="application/json" id="examples">${json}</script>`,
      );
    },
  },
  generateBundle() {
    const source = JSON.stringify(completions());
    this.emitFile({ type: "asset", fileName: "repl/completions.json", source });
  },
});
