// The page's colours for what is drawn by code.

/** A colour of the page, for marks of a plot: `light-dark()` is understood by style sheets alone. */
export function pageColor(name: "--pitch" | "--ours" | "--soft" | "--ink" | "--line"): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
