// The Markdown that gpu-check.mjs writes.

const number = (value) => {
  if (Number.isInteger(value)) return `${value}`;
  const size = Math.abs(value);
  if (size < 1e-3) return value.toExponential(1);
  return size >= 100 ? value.toFixed(0) : value.toPrecision(3);
};

const cell = (value) => {
  if (value === undefined) return "";
  if (typeof value === "boolean") return value ? "yes" : "**no**";
  return typeof value === "number" ? number(value) : `${value}`.replaceAll("|", "\\|").replaceAll("\n", " ");
};

function table(rows) {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const numeric = keys.map((key) => rows.some((row) => typeof row[key] === "number"));
  const lines = [keys, ...rows.map((row) => keys.map((key) => cell(row[key])))];
  const widths = keys.map((_, i) => Math.max(3, ...lines.map((cells) => cells[i].length)));
  const line = (cells) =>
    `| ${cells.map((text, i) => (numeric[i] ? text.padStart(widths[i]) : text.padEnd(widths[i]))).join(" | ")} |`;
  const rule = `| ${widths.map((width, i) => (numeric[i] ? `${"-".repeat(width - 1)}:` : "-".repeat(width))).join(" | ")} |`;
  return [line(lines[0]), rule, ...lines.slice(1).map(line)].join("\n");
}

/** How many of the best rows a brief table shows. */
const WORST = 5;

function section({ name, about, brief, rows, failed, seconds, output }) {
  const wrong = rows.filter(({ ok }) => !ok);
  const parts = [`## ${name}`, about];
  const count = `${rows.length} rows, ${wrong.length} wrong, ${seconds.toFixed(1)} s.`;
  parts.push(failed === null ? count : `${count} **${failed.split("\n")[0]}**`);
  if (failed !== null) parts.push(["```", ...failed.split("\n"), ...output, "```"].join("\n"));
  const size = (row) => Number(row[brief]);
  const shown =
    brief === undefined
      ? rows
      : [...new Set([...wrong, ...[...rows].sort((a, b) => size(b) - size(a)).slice(0, WORST)])];
  if (brief !== undefined) parts.push(`The ${shown.length} worst by "${brief}":`);
  if (shown.length > 0) parts.push(table(shown));
  return parts.join("\n\n");
}

/** The report as Markdown. */
export function report(mode, results) {
  const adapter = results.find(({ name }) => name === "adapter");
  const name =
    adapter?.rows.find((row) => row.name === "adapter")?.value ?? "an adapter that was not asked for";
  const summary = results.map(({ name, rows, failed, seconds }) => ({
    item: name,
    rows: rows.length,
    wrong: rows.filter(({ ok }) => !ok).length,
    seconds: Math.round(10 * seconds) / 10,
    ended: failed === null ? "" : failed.split("\n")[0],
  }));
  return `# The gpu backend on ${name}

Written by \`node scripts/gpu-check.mjs\`, gpu.js in mode ${mode}.

${[table(summary), ...results.map(section)].join("\n\n")}
`;
}
