// The chapters of the course, in order; each is a folder of site/course with chapter.md and an index.html that only says
// where the page is. The reading list is the files that they name, each once.
import { readChapter } from "./chapter.mjs";

/** Folders of the chapters. */
export const CHAPTERS = [
  "strides",
  "broadcasting",
  "reverse-mode",
  "optimisers",
  "sound",
  "attention",
  "pitch-in-attention",
  "ctc",
  "error-rates",
  "speed",
];

/** Pages of the chapters, as pages.mjs lists those of the site. */
export const CHAPTER_PAGES = CHAPTERS.map((slug) => ({ path: `course/${slug}/`, name: "Course" }));

/** What the chapters tell to read, in order, each file under the first chapter that names it. */
export function readingList(chapters = CHAPTERS.map(readChapter)) {
  const seen = new Set();
  const list = [];
  for (const { slug, read } of chapters)
    for (const item of read) {
      if (seen.has(item.file)) continue;
      seen.add(item.file);
      list.push({ chapter: slug, ...item });
    }
  return list;
}
