// Texts that stand in SVG and HTML.

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Controls, of which XML 1.0 has no way to write most, and what turns the direction of the text around it. */
const UNSHOWN = /[\p{Cc}\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu;

/** A text as it stands between tags or in quotes; controls but tab and line ends, and overrides of direction, are replaced. */
export function escapeXml(text: string): string {
  return text
    .replace(UNSHOWN, (character) => ("\t\n\r".includes(character) ? character : "\ufffd"))
    .replace(/[&<>"']/g, (character) => ESCAPES[character]!);
}
