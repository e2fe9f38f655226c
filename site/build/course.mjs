// The plugin of Vite that fills in the pages of the course. It comes before layout.mjs.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readChapter } from "./chapter.mjs";
import { chapterHtml, courseHtml } from "./chapter-page.mjs";
import { CHAPTERS } from "./chapters.mjs";
import { ROOT } from "./quote.mjs";

/** Reads a file of the site where files.mjs copies it from. */
export const readSiteFile = (path) => readFile(join(ROOT, path.replace(/^files\//, "data/")));

/** HTML of a chapter's figure at its first setting, drawn by the compiled figure itself. */
async function firstFigure(name) {
  const { figures } = await import("../lib/course/figures/index.js");
  const { figureHtml } = await import("../lib/course/figure-frame.js");
  if (figures[name] === undefined)
    throw new Error(`course: there is no figure "${name}" in src/course/figures`);
  return figureHtml(name, await figures[name](readSiteFile));
}

/** The plugin. */
export const course = () => ({
  name: "echo-site-course",
  transformIndexHtml: {
    order: "pre",
    async handler(html, { path }) {
      const [, slug] = /^\/course\/([^/]+)\/index\.html$/.exec(path) ?? [];
      if (slug !== undefined) {
        const chapter = readChapter(slug);
        return chapterHtml(chapter, await firstFigure(chapter.figure));
      }
      if (path !== "/course/index.html") return html;
      return html.replace("<!-- chapters -->", courseHtml(CHAPTERS.map(readChapter)));
    },
  },
});
