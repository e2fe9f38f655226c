// Names, ids and texts of files may hold characters that move a terminal's cursor, colour it, or turn the direction of
// writing around. Before they are printed they are escaped.

/** Controls (C0, DEL, C1), marks that change the direction of writing, and the two separators that count as line ends. */
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/**
 * A text without characters that control a terminal: each becomes `\u` and its four hexadecimal digits.
 * @param text - anything that comes from a file. @param keepLines - leave line feeds as they are; default false.
 * @example
 * printable("a\u001b[2Jb"); // "a\\u001b[2Jb"
 */
export function printable(text: string, keepLines = false): string {
  return text.replace(UNPRINTABLE, (character) =>
    keepLines && character === "\n"
      ? character
      : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
