// Level 3 of a figure: a form that chooses one element by whole numbers, and below it the lines that explain the element.

/** A number that chooses. */
export interface Choice {
  readonly name: string;
  /** The least is 0. */
  readonly most: number;
  readonly value: number;
}

/**
 * Fills `place` with the form. `explain` is asked at once and after every change; an error is shown in its place.
 *
 * @param explain gives a paragraph for each step; it is given the chosen numbers in the order of `choices`
 */
export function showElement(
  place: HTMLElement,
  choices: readonly Choice[],
  explain: (...chosen: number[]) => Promise<readonly string[]>,
): void {
  const steps = document.createElement("div");
  steps.setAttribute("role", "status");
  const row = document.createElement("div");
  row.className = "row";
  let latest = 0;
  const inputs = choices.map(({ name, most, value }) => {
    const label = document.createElement("label");
    const input = document.createElement("input");
    const start = String(Math.min(value, most));
    Object.assign(input, { type: "number", min: "0", max: String(most), value: start });
    label.append(`${name}, 0 to ${most} `, input);
    row.append(label);
    input.addEventListener("change", () => void update());
    return { input, most };
  });
  const update = async (): Promise<void> => {
    steps.textContent = "Computing.";
    const number = ++latest;
    try {
      const chosen = inputs.map(({ input, most }) =>
        Math.min(Math.max(0, Math.round(Number(input.value))), most),
      );
      const lines = await explain(...chosen);
      if (number !== latest) return;
      steps.replaceChildren(
        ...lines.map((text) => {
          const line = document.createElement("p");
          line.textContent = text;
          return line;
        }),
      );
    } catch (error) {
      steps.textContent = (error as Error).message;
    }
  };
  place.replaceChildren(row, steps);
  void update();
}
