// Makes a page of a chapter, and the list of chapters: HTML that can be read as it is, with the figure at its first
// setting and the results of cells already there. src/course/chapter.ts makes it run.
import { Parser } from "marked";
import { CHAPTERS, readingList } from "./chapters.mjs";

const escape = (text) =>
  String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

const editor = (code, label) =>
  `<textarea class="code" spellcheck="false" autocapitalize="off" autocomplete="off" wrap="off" rows="${code.split("\n").length}" aria-label="${escape(label)}">${escape(code)}</textarea>`;

/** Stands before the numbers of a machine until the reader's own replace both. */
const MEASURED = '<p class="soft">Measured by the authors. Press Run for your own device.</p>';

const KINDS = ["Predict", "Write", "Break"];

function block(one, count) {
  if (one.kind === "prose") return Parser.parse([one.token]);
  if (one.kind === "source")
    return `<figure class="source"><figcaption><code>${escape(one.file)}</code>, line ${one.line}</figcaption><pre tabindex="0"><code>${escape(one.code)}</code></pre></figure>`;
  if (one.kind === "cell") {
    count.cells += 1;
    return `<div class="cell">${editor(one.code, `Code of cell ${count.cells}`)}<div class="row"><button type="button" data-do="run">Run</button><button type="button" data-do="reset">Reset</button></div><div class="printed" role="status">${one.measures ? MEASURED : ""}<pre tabindex="0">${escape(one.prints)}</pre></div></div>`;
  }
  count.exercises += 1;
  const name = `${count.exercises}, ${KINDS[count.exercises - 1].toLowerCase()}`;
  return `<div class="cell exercise" data-tests="${escape(one.tests)}">${editor(one.code, `Your answer to exercise ${name}`)}<div class="row"><button type="button" data-do="run">Check</button><button type="button" data-do="reset">Reset</button></div><div class="printed" role="status"></div><details><summary>Solution of exercise ${name}</summary><pre tabindex="0"><code>${escape(one.solution)}</code></pre></details></div>`;
}

/** "shape.ts and view.ts" with paths and lengths. */
const readNext = (read) =>
  `<ul>${read.map(({ file, lines }) => `<li><code>${escape(file)}</code>, ${lines} lines</li>`).join("")}</ul>`;

/**
 * The inside of a chapter's page.
 *
 * @param chapter from `readChapter`
 * @param figure HTML of its figure at the first setting
 */
export function chapterHtml(chapter, figure) {
  const at = CHAPTERS.indexOf(chapter.slug);
  const count = { cells: 0, exercises: 0 };
  const beside = [at > 0 && ["Before", CHAPTERS[at - 1]], CHAPTERS[at + 1] && ["Next", CHAPTERS[at + 1]]]
    .filter(Boolean)
    .map(([word, slug]) => `<a href="../${slug}/">${word}: ${slug.replaceAll("-", " ")}</a>`)
    .join(" ");
  return `<title>${escape(chapter.title)}</title>
<meta name="description" content="${escape(chapter.question)}">
<main id="main" tabindex="-1" class="chapter">
<p class="soft">Course, chapter ${at + 1}. <a href="../">All chapters</a></p>
<h1>${escape(chapter.title)}</h1>
<p class="question">${escape(chapter.question)}</p>
${figure}
${chapter.blocks.map((one) => block(one, count)).join("\n")}
<h2>Read this next</h2>
${readNext(chapter.read)}
<p>${beside}</p>
</main>
<link rel="stylesheet" href="../../src/course/course.css">
<script type="module" src="../../src/course/chapter.ts"></script>`;
}

/** The list of chapters and the reading list, for the course's first page. */
export function courseHtml(chapters) {
  const list = readingList(chapters);
  const total = list.reduce((sum, { lines }) => sum + lines, 0);
  const rows = list.map(
    ({ file, lines }) => `<tr><td><code>${escape(file)}</code></td><td>${lines}</td></tr>`,
  );
  const items = chapters.map(
    ({ slug, title, question }) =>
      `<li><a href="${slug}/">${escape(title)}</a><br><span class="soft">${escape(question)}</span></li>`,
  );
  return `<ol class="chapters">${items.join("\n")}</ol>
<h2>The reading list: ${list.length} files, ${total} lines</h2>
<p>These are the files that the chapters send you to, in the order of the chapters.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Reading list"><table><thead><tr><th>File</th><th>Lines</th></tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}
