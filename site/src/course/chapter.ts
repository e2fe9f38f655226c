// A chapter in the page: its cells and exercises run, its figure moves.
import { fetchFile } from "../layout/fetch-file.ts";
import "../layout/page.ts";
import { run, stopRun } from "../run/code-runner.ts";
import { withTests } from "../run/run-code.ts";
import { showEnding, showOutput } from "../run/show-output.ts";
import { mountFigure } from "./figure-frame.ts";
import { figures } from "./figures/index.ts";

function mountCell(cell: HTMLElement): void {
  const field = cell.querySelector("textarea");
  const button = cell.querySelector<HTMLButtonElement>('[data-do="run"]');
  const reset = cell.querySelector<HTMLButtonElement>('[data-do="reset"]');
  const printed = cell.querySelector<HTMLElement>(".printed");
  if (field === null || button === null || reset === null || printed === null) return;
  const { tests } = cell.dataset;
  const word = button.textContent;
  const fit = () => {
    field.rows = field.value.split("\n").length;
  };
  field.addEventListener("input", fit);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) button.click();
  });
  button.addEventListener("click", async () => {
    if (button.textContent === "Stop") return stopRun();
    printed.replaceChildren();
    button.textContent = "Stop";
    const code = tests === undefined ? field.value : withTests(field.value, tests);
    const ending = await run(code, (output) => showOutput(printed, output));
    button.textContent = word;
    showEnding(printed, ending, tests === undefined ? "" : "Right: all tests pass.");
  });
  reset.addEventListener("click", () => {
    field.value = field.defaultValue;
    fit();
    printed.replaceChildren();
  });
}

for (const cell of document.querySelectorAll<HTMLElement>(".cell")) mountCell(cell);
for (const frame of document.querySelectorAll<HTMLElement>("[data-figure]")) {
  const figure = await figures[frame.dataset.figure!]!(fetchFile);
  mountFigure(frame, figure);
}
