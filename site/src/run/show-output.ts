// Puts what a run shows into the page.
import { pictureSvg } from "../draw/pictures.ts";
import type { Ending } from "./code-runner.ts";
import type { Output } from "./run-code.ts";

/** Adds one output: text to the last `<pre>`, a picture as SVG. */
export function showOutput(place: HTMLElement, output: Output): void {
  if (output.kind === "picture") {
    place.insertAdjacentHTML("beforeend", pictureSvg(output.picture));
    return;
  }
  const last = place.lastElementChild;
  if (last instanceof HTMLPreElement) {
    last.append(`\n${output.text}`);
    return;
  }
  const pre = document.createElement("pre");
  pre.tabIndex = 0;
  pre.append(output.text);
  place.append(pre);
}

/** Adds a line that says how the run ended, where that needs saying. */
export function showEnding(place: HTMLElement, ending: Ending, success = ""): void {
  const text = ending.ok ? success : ending.message;
  if (text === "") return;
  const line = document.createElement("p");
  line.className = ending.ok ? "passed" : "warn";
  line.append(text);
  place.append(line);
}
