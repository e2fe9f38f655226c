// What is chosen on the page stands in its address, so that a teacher can link to it: ?recording=...&layer=2&word=1#attention.
// Esc goes back one level: from the arithmetic of an element to its figure, from a figure to its section, from there to
// the picture of the whole model.

/** A choice of the address, or null. */
export function chosen(name: string): string | null {
  return new URLSearchParams(location.search).get(name);
}

/** Writes a choice into the address; null takes it out. Nothing is loaded, and going back leaves the page. */
export function choose(name: string, value: string | null): void {
  const address = new URL(location.href);
  if (value === null) address.searchParams.delete(name);
  else address.searchParams.set(name, value);
  history.replaceState(null, "", address);
}

/** Keeps a menu and the address alike: the address is read now and written when the visitor chooses. */
export function bindSelect(select: HTMLSelectElement, name: string): void {
  const wanted = chosen(name);
  if (wanted !== null && [...select.options].some(({ value }) => value === wanted)) select.value = wanted;
  const first = select.options[0]?.value;
  select.addEventListener("change", () => choose(name, select.value === first ? null : select.value));
}

/** Goes to what the address names, once it is there: figures come after the page. */
export function showPlace(): void {
  const id = decodeURIComponent(location.hash.slice(1));
  if (id !== "") document.getElementById(id)?.scrollIntoView();
}

/** Esc: one level back. */
export function listenForEscape(top: HTMLElement): void {
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    const open = document.querySelector<HTMLDetailsElement>("details.deeper[open]:focus-within");
    if (open !== null) {
      open.open = false;
      open.querySelector("summary")?.focus();
      return;
    }
    const here = document.getElementById(location.hash.slice(1));
    if (here === null) return;
    const section = here.closest("section.panel");
    const heading = section?.getAttribute("aria-labelledby") ?? "";
    const next = here.id === heading || heading === "" ? top : document.getElementById(heading);
    location.hash = next === top ? "flow" : heading;
    next?.scrollIntoView();
    (next?.querySelector("a") ?? next)?.focus({ preventScroll: true });
  });
}
