// Labelled controls that say their value.

/** A slider in its label. */
export interface Slider {
  readonly label: HTMLLabelElement;
  readonly input: HTMLInputElement;
}

/** What a slider is made of; `show` writes a value in words. */
export interface SliderChoice {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly value: number;
  readonly show: (value: number) => string;
}

/** A slider whose value stands behind it; the event "echo-shown" shows a value that was set by code. */
export function slider({ name, min, max, step, value, show }: SliderChoice): Slider {
  const label = document.createElement("label");
  label.className = "grow";
  const input = document.createElement("input");
  input.type = "range";
  Object.assign(input, { min: String(min), max: String(max), step: String(step) });
  input.value = String(value);
  const output = document.createElement("output");
  const update = (): void => {
    const text = show(Number(input.value));
    output.textContent = text;
    input.setAttribute("aria-valuetext", text);
  };
  input.addEventListener("input", update);
  input.addEventListener("echo-shown", update);
  update();
  label.append(name, input, output);
  return { label, input };
}

/** A choice in its label. */
export interface Choice {
  readonly label: HTMLLabelElement;
  readonly select: HTMLSelectElement;
}

/** A choice between names. */
export function choiceOf(name: string, names: readonly string[]): Choice {
  const label = document.createElement("label");
  const select = document.createElement("select");
  select.append(...names.map((one) => new Option(one)));
  label.append(`${name} `, select);
  return { label, select };
}

/** Other choices; what was chosen stays where there are as many. */
export function renameChoices(select: HTMLSelectElement, names: readonly string[]): void {
  const chosen = Math.min(Math.max(0, select.selectedIndex), names.length - 1);
  select.replaceChildren(...names.map((name) => new Option(name)));
  select.selectedIndex = chosen;
}
