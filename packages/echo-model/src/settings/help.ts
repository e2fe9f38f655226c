// Help texts made from the table of fields: for a terminal and, as Markdown, for the documentation.

import { describeField, type Field } from "./field.ts";
import { GROUP_MEANINGS } from "./fields.ts";
import { ALL_FIELDS } from "./resolve.ts";

/**
 * Terminal text about the settings whose path starts with `prefix`.
 * @param prefix - a group such as "model" or "model.rotary", one field, or "" (default) for all.
 * @returns lines of the form `path = default   meaning (what is allowed)`; empty for an unknown prefix.
 */
export function configHelp(prefix = ""): string {
  const lines: string[] = [];
  let group = "";
  for (const [path, field] of ALL_FIELDS) {
    if (prefix !== "" && path !== prefix && !path.startsWith(`${prefix}.`)) continue;
    const top = path.slice(0, path.indexOf("."));
    if (top !== group) {
      if (lines.length > 0) lines.push("");
      lines.push(`${top}: ${GROUP_MEANINGS[top as keyof typeof GROUP_MEANINGS]}`);
      group = top;
    }
    lines.push(`  ${path} = ${valueText(field.default)}`);
    lines.push(`      ${field.meaning}${field.unit ? ` [${field.unit}]` : ""}`);
    const reference =
      field.reference === undefined ? "" : `; ${valueText(field.reference)} in the reference variant`;
    lines.push(`      ${describeField(field)}${reference}`);
  }
  return lines.join("\n");
}

/** The whole table as Markdown, one section a group. */
export function configMarkdown(): string {
  const sections: string[] = [];
  for (const [group, meaning] of Object.entries(GROUP_MEANINGS)) {
    const rows = [...ALL_FIELDS]
      .filter(([path]) => path.startsWith(`${group}.`))
      .map(([path, field]) => markdownRow(path, field));
    sections.push(
      [
        `### ${group}: ${meaning}`,
        "",
        "| key | default | reference variant | allowed | meaning |",
        "|---|---|---|---|---|",
        ...rows,
      ].join("\n"),
    );
  }
  return `${sections.join("\n\n")}\n`;
}

function markdownRow(path: string, field: Field): string {
  const reference = field.reference === undefined ? "same" : `\`${valueText(field.reference)}\``;
  const meaning = field.meaning + (field.unit ? ` (${field.unit})` : "");
  const cells = [`\`${path}\``, `\`${valueText(field.default)}\``, reference, describeField(field), meaning];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function valueText(value: Field["default"]): string {
  return typeof value === "string" && value !== "" ? value : JSON.stringify(value);
}
