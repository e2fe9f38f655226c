// Binaries as text that a server's compression still sees through: generated/modules.ts and small-modules.ts, read by
// module-bytes.ts.
// Base64 hides the repetitions of a binary, because its letters do not begin where bytes do. Here each byte is a letter
// of its own, or, if it is rare, a mark and a letter; all of it is printable ASCII, whatever charset a page declares.
// The kernels of 79.7 kB take, after gzip / Brotli: so 33.6 / 28.8 kB, in base64 43.3 / 37.3, deflated and then in
// base64 33.0 / 32.9 and 1.9 for the code that inflates, in hexadecimal 35.7 / 29.1, as a string of Latin-1 38.1 / 32.4.

/** Printable ASCII without what strings escape; the last two mark a rare byte. */
const LETTERS = [...Array(95).keys()]
  .map((i) => String.fromCharCode(32 + i))
  .filter((letter) => !"\"'\\`$".includes(letter))
  .join("");
const SINGLE = LETTERS.length - 2;

/** All byte values, the most frequent first. */
function byFrequency(bytes) {
  const counts = new Array(256).fill(0);
  for (const byte of bytes) counts[byte]++;
  return [...counts.keys()].sort((a, b) => counts[b] - counts[a] || a - b);
}

/** The text of one byte whose place in the order of frequency is `rank`. */
const textOf = (rank) =>
  rank < SINGLE ? LETTERS[rank] : LETTERS[SINGLE + Math.floor(rank / SINGLE) - 1] + LETTERS[rank % SINGLE];

/** The source of a generated file for a map of names to { archive, binary }; `doc` says what it holds. */
export function modulesSource(modules, doc) {
  const archives = {};
  const places = [];
  for (const [name, { archive, binary }] of modules) {
    archives[archive] ??= [];
    const start = archives[archive].reduce((sum, { length }) => sum + length, 0);
    archives[archive].push(binary);
    places.push(`    ${name}: { archive: "${archive}", start: ${start}, end: ${start + binary.length} },`);
  }
  const joined = Object.entries(archives).map(([name, binaries]) => [name, Buffer.concat(binaries)]);
  const order = byFrequency(Buffer.concat(joined.map(([, bytes]) => bytes)));
  const ranks = new Map(order.map((byte, rank) => [byte, rank]));
  const texts = joined.map(([name, bytes]) => {
    const text = [...bytes].map((byte) => textOf(ranks.get(byte))).join("");
    return `    ${name}: "${text}",`;
  });
  return `// Written by scripts/kernel-text.mjs from ../assembly. Do not edit.
/** ${doc} */
export const MODULES = {
  /** The letters of the texts; the last two mark a byte of the second and third row of \`bytes\`. */
  letters: "${LETTERS}",
  /** All byte values in the order of the letters, in hexadecimal. */
  bytes: "${Buffer.from(order).toString("hex")}",
  /** Binaries, one after the other, as text. */
  archives: {
${texts.join("\n")}
  },
  /** Where each module lies in its archive. */
  places: {
${places.join("\n")}
  },
} as const;
`;
}
