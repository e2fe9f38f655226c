// Makes a page of a chapter, and the list of chapters: HTML that can be read as it is, with the figure at its first
// setting and the results of cells already there. src/course/chapter.ts makes it run.
import { Parser } from "marked";
import { readChapter } from "./chapter.mjs";
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

/** "shape.ts: rowMajorStrides, broadcastShapes". */
const itemHtml = ({ file, names }) =>
  `<code>${escape(file)}</code>${names.length === 0 ? "" : `: ${names.map((name) => `<code>${escape(name)}</code>`).join(", ")}`}`;

/** Files with lengths, and what they are. */
const readNext = (read) =>
  `<ul>${read.map((item) => `<li>${itemHtml(item)}, ${item.lines} lines<br><span class="soft">${escape(item.about)}</span></li>`).join("")}</ul>`;

/**
 * The inside of a chapter's page.
 *
 * @param chapter from `readChapter`
 * @param figure HTML of its figure at the first setting
 */
export function chapterHtml(chapter, figure) {
  const at = CHAPTERS.indexOf(chapter.slug);
  const count = { cells: 0, exercises: 0 };
  const beside = [at > 0 && ["prev", "Before", at - 1], at + 1 < CHAPTERS.length && ["next", "Next", at + 1]]
    .filter(Boolean)
    .map(
      ([rel, word, i]) =>
        `<a rel="${rel}" href="../${CHAPTERS[i]}/">${word}, ${i + 1}. ${escape(readChapter(CHAPTERS[i]).title)}</a>`,
    )
    .join("<br>");
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
  const parts = chapters.map(({ slug, title }, i) => {
    const read = list.filter(({ chapter }) => chapter === slug);
    const lines = read.reduce((sum, item) => sum + item.lines, 0);
    const rows = read.map(
      (item) =>
        `<tr><td>${itemHtml(item)}<br><span class="soft">${escape(item.about)}</span></td><td>${item.lines}</td></tr>`,
    );
    return `<tbody><tr><th scope="rowgroup">${i + 1}. ${escape(title)}</th><td><b>${lines}</b></td></tr>${rows.join("")}</tbody>`;
  });
  const items = chapters.map(
    ({ slug, title, question }) =>
      `<li><a href="${slug}/">${escape(title)}</a><br><span class="soft">${escape(question)}</span></li>`,
  );
  return `<ol class="chapters">${items.join("\n")}</ol>
<h2 id="reading-list">A weekend's reading: ${total.toLocaleString("en")} lines</h2>
<p>The packages have many times as many lines. These matter most, in the order of the chapters: whole files, or the functions named behind one.
Each is under the first chapter that sends you to it. Lengths, and what each file says it is, are read from the sources when this page is built.</p>
<div class="scroll reading" tabindex="0" role="region" aria-label="Reading list"><table><thead><tr><th scope="col">File</th><th scope="col">Lines</th></tr></thead>${parts.join("")}</table></div>`;
}
