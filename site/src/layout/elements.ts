// Elements of a page by their id.

/** The element with an id; the page file must have it. */
export function at<E extends HTMLElement = HTMLElement>(id: string): E {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`site: the page has no element #${id}`);
  return element as E;
}
