// The page "REPL": examples, an editor, the output of a run. The address names the example (#attention), to link to it.
import "../layout/page.ts";
import { siteUrl } from "../layout/root.ts";
import { run, stopRun } from "../run/code-runner.ts";
import { showEnding, showOutput } from "../run/show-output.ts";
import type { Completions } from "./editor.ts";

interface Example {
  readonly name: string;
  readonly title: string;
  readonly code: string;
}

const find = <T extends Element>(selector: string): T => {
  const found = document.querySelector<T>(selector);
  if (found === null) throw new Error(`repl: the page has no ${selector}`);
  return found;
};

const examples = JSON.parse(find("#examples").textContent ?? "[]") as readonly Example[];
const chooser = find<HTMLSelectElement>("#example");
const button = find<HTMLButtonElement>("#run");
const printed = find<HTMLElement>("#printed");
const area = find<HTMLTextAreaElement>("#code");

/** The text area until the editor is there, then the editor. */
let editor = {
  text: () => area.value,
  replace(code: string) {
    area.value = code;
  },
};

async function runCode(): Promise<void> {
  if (button.textContent === "Stop") return stopRun();
  printed.replaceChildren();
  button.textContent = "Stop";
  const began = performance.now();
  const ending = await run(editor.text(), (output) => showOutput(printed, output));
  button.textContent = "Run";
  showEnding(printed, ending, `Ran in ${Math.round(performance.now() - began)} ms.`);
}

function choose(name: string): void {
  const example = examples.find((one) => one.name === name) ?? examples[0]!;
  chooser.value = example.name;
  editor.replace(example.code);
}

examples.forEach(({ name, title }, i) => {
  chooser.append(new Option(`${i + 1}. ${title}`, name));
});
choose(location.hash.slice(1));
chooser.addEventListener("change", () => {
  history.replaceState(null, "", `#${chooser.value}`);
  choose(chooser.value);
});
globalThis.addEventListener("hashchange", () => {
  if (location.hash !== "#main") choose(location.hash.slice(1));
});
button.addEventListener("click", runCode);
find("#clear").addEventListener("click", () => printed.replaceChildren());
area.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void runCode();
});

const [{ createEditor }, response] = await Promise.all([
  import("./editor.ts"),
  fetch(siteUrl("repl/completions.json")),
]);
const completions = (await response.json()) as Completions;
editor = createEditor(find<HTMLElement>("#editor"), editor.text(), completions, () => void runCode());
document.documentElement.dataset.editor = "ready";
