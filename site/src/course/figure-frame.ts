// The frame around a figure: title, controls, picture, sentence, numbers. `figureHtml` is what the build writes;
// `mountFigure` makes it move.
import { escapeText } from "../draw/svg.ts";
import { type Control, type CourseFigure, type Drawn, settingsOf } from "./course-figure.ts";

const shown = (control: Control, value: string): string =>
  control.kind === "range" ? `${value}${control.unit === undefined ? "" : ` ${control.unit}`}` : "";

function controlHtml(figure: string, control: Control): string {
  const id = `${figure}-${control.name}`;
  const name = `<label for="${id}">${escapeText(control.label)}</label>`;
  if (control.kind === "choice") {
    const options = control.choices.map(
      (choice) => `<option${choice === control.value ? " selected" : ""}>${escapeText(choice)}</option>`,
    );
    return `<span class="control">${name} <select id="${id}" name="${control.name}">${options.join("")}</select></span>`;
  }
  const { min, max, step, value } = control;
  return `<span class="control">${name} <input type="range" id="${id}" name="${control.name}" min="${min}" max="${max}" step="${step}" value="${value}"> <output for="${id}">${escapeText(shown(control, String(value)))}</output></span>`;
}

function tableHtml({ table }: Drawn): string {
  const head = table.columns.map((name) => `<th>${escapeText(name)}</th>`).join("");
  const rows = table.rows.map(
    (row) => `<tr>${row.map((cell) => `<td>${escapeText(String(cell))}</td>`).join("")}</tr>`,
  );
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

/** The whole figure at its first setting. */
export function figureHtml(name: string, figure: CourseFigure): string {
  const drawn = figure.draw(settingsOf(figure));
  const controls = figure.controls.map((control) => controlHtml(name, control)).join("");
  return `<figure class="panel course-figure" data-figure="${name}" aria-label="${escapeText(figure.title)}">
<p class="figure-title">${escapeText(figure.title)}</p>
<div class="row">${controls}</div>
<div class="picture" tabindex="0" role="group" aria-label="Picture">${drawn.svg}</div>
<figcaption aria-live="polite">${escapeText(drawn.note)}</figcaption>
<details><summary>The numbers</summary><div class="scroll numbers" tabindex="0" role="region" aria-label="Numbers of the figure">${tableHtml(drawn)}</div></details>
<button type="button" class="save">Save as SVG</button>
</figure>`;
}

/** The picture as a file that stands alone: colours as they are now. */
function standalone(svg: SVGElement): string {
  const style = getComputedStyle(document.documentElement);
  const probe = document.createElement("span");
  document.body.append(probe);
  const text = new XMLSerializer()
    .serializeToString(svg)
    .replace(/var\((--[\w-]+)\)/g, (_all, name: string) => {
      probe.style.color = style.getPropertyValue(name);
      return getComputedStyle(probe).color;
    });
  probe.remove();
  return text;
}

/** Redraws the figure in `frame` when a control moves. */
export function mountFigure(frame: HTMLElement, figure: CourseFigure): void {
  const find = <T extends Element>(selector: string): T => {
    const found = frame.querySelector<T>(selector);
    if (found === null) throw new Error(`figure "${figure.title}": no ${selector} in its frame`);
    return found;
  };
  const fields = [...frame.querySelectorAll<HTMLInputElement | HTMLSelectElement>("input, select")];
  const redraw = () => {
    const given = Object.fromEntries(fields.map(({ name, value }) => [name, value]));
    const drawn = figure.draw(settingsOf(figure, given));
    find(".picture").innerHTML = drawn.svg;
    find("figcaption").textContent = drawn.note;
    find(".numbers").innerHTML = tableHtml(drawn);
    for (const control of figure.controls) {
      const output = frame.querySelector(`output[for$="-${control.name}"]`);
      if (output !== null) output.textContent = shown(control, given[control.name]!);
    }
  };
  for (const field of fields) field.addEventListener("input", redraw);
  find<HTMLButtonElement>(".save").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(
      new Blob([standalone(find<SVGElement>(".picture svg"))], { type: "image/svg+xml" }),
    );
    link.download = `${frame.dataset.figure}.svg`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
}
