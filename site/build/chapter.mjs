// Reads a chapter of the course: Markdown with fences that mean something. Read next: chapter-page.mjs, which makes a page
// of it.
//
//   ---                     head: title, question, figure (a file of src/course/figures), read (files, separated by spaces; FILE#NAME,NAME for parts of one)
//   ```source FILE NAME...  declarations quoted from the sources, the fence stays empty
//   ```cell                 code that runs in the page; the fence after it, ```prints, is what it prints
//   ```cell measures        the same, but numbers differ from run to run: ```prints is what it printed for us
//   ```start                an exercise: what the reader starts from; then ```tests and ```solution
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Lexer } from "marked";
import { quoteAll, ROOT, readingOf } from "./quote.mjs";

/** The most words of prose in a chapter. */
export const MOST_WORDS = 900;

function headOf(text, where) {
  const found = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text);
  if (found === null) throw new Error(`course: ${where}: expected a head between lines of ---`);
  const head = Object.fromEntries(
    found[1].split("\n").map((line) => {
      const at = line.indexOf(": ");
      return [line.slice(0, at), line.slice(at + 2)];
    }),
  );
  for (const key of ["title", "question", "figure", "read"])
    if (!head[key]) throw new Error(`course: ${where}: the head has no ${key}`);
  return { head, body: found[2] };
}

const wordsOf = (text) => text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;

/**
 * A chapter of Markdown as data.
 *
 * @param text the Markdown
 * @param where its name, for messages
 * @returns head, files to read with their lengths, number of words, and blocks: prose (tokens), source, cell, exercise
 */
export function parseChapter(text, where) {
  const { head, body } = headOf(text, where);
  const tokens = new Lexer().lex(body);
  const blocks = [];
  let words = wordsOf(head.question);
  const fence = (i, kind) => {
    const token = tokens.slice(i).find(({ type }) => type !== "space");
    if (token?.type !== "code" || token.lang !== kind)
      throw new Error(
        `course: ${where}: expected a fence "${kind}" after: ${tokens[i - 1]?.raw.slice(0, 60)}`,
      );
    return { at: tokens.indexOf(token), text: token.text };
  };
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    const [kind, ...rest] = token.type === "code" ? (token.lang ?? "").split(" ") : [];
    if (kind === "source") {
      const [file, ...names] = rest;
      blocks.push({ kind, file, names, ...quoteAll(file, names) });
    } else if (kind === "cell") {
      const prints = fence(i + 1, "prints");
      blocks.push({ kind, code: token.text, prints: prints.text, measures: rest.includes("measures") });
      i = prints.at;
    } else if (kind === "start") {
      const tests = fence(i + 1, "tests");
      const solution = fence(tests.at + 1, "solution");
      blocks.push({ kind: "exercise", code: token.text, tests: tests.text, solution: solution.text });
      i = solution.at;
    } else {
      if (token.type !== "code") words += wordsOf(token.raw);
      blocks.push({ kind: "prose", token });
    }
  }
  const exercises = blocks.filter(({ kind }) => kind === "exercise").length;
  if (exercises !== 3) throw new Error(`course: ${where}: expected three exercises, got ${exercises}`);
  if (words > MOST_WORDS)
    throw new Error(`course: ${where}: expected at most ${MOST_WORDS} words, got ${words}`);
  const read = head.read.split(" ").map(readingOf);
  return { ...head, read, words, blocks };
}

/** The chapter in the folder `site/course/SLUG`. */
export function readChapter(slug) {
  const file = `site/course/${slug}/chapter.md`;
  return { slug, ...parseChapter(readFileSync(join(ROOT, file), "utf8"), file) };
}
