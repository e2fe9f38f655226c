// Help made from the table of settings: for a terminal and, as Markdown, for the documentation.
import { ALL_SETTINGS } from "./resolve.ts";
import { rulesOf, type Setting } from "./schema.ts";
import { GROUP_MEANINGS } from "./settings.ts";

/**
 * Terminal text about the settings whose path starts with `prefix`.
 * @param prefix - a group such as "model" or "model.rotary", one setting, or "" (default) for all.
 * @returns lines of the form `path = default   meaning (what is allowed)`; empty for an unknown prefix.
 */
export function configHelp(prefix = ""): string {
  const lines: string[] = [];
  for (const [group, meaning] of Object.entries(GROUP_MEANINGS)) {
    const found = settingsOf(group).filter(
      ([path]) => prefix === "" || path === prefix || path.startsWith(`${prefix}.`),
    );
    if (found.length === 0) continue;
    if (lines.length > 0) lines.push("");
    lines.push(`${group}: ${meaning}`);
    for (const [path, setting] of found) {
      const { means, unit, reference } = setting;
      const rules = rulesOf(setting);
      lines.push(`  ${path} = ${shown(rules.default)}`, `      ${means}${unit ? ` [${unit}]` : ""}`);
      const other = reference === undefined ? "" : `; ${shown(reference)} in the reference variant`;
      lines.push(`      ${rules.expected}${other}`);
    }
  }
  return lines.join("\n");
}

/** The whole table as Markdown, one section a group. */
export function configMarkdown(): string {
  const sections = Object.entries(GROUP_MEANINGS).map(([group, meaning]) =>
    [
      `### ${group}: ${meaning}`,
      "",
      "| key | default | reference variant | allowed | meaning |",
      "|---|---|---|---|---|",
      ...settingsOf(group).map(([path, setting]) => markdownRow(path, setting)),
    ].join("\n"),
  );
  return `${sections.join("\n\n")}\n`;
}

function settingsOf(group: string): [path: string, setting: Setting][] {
  return [...ALL_SETTINGS].filter(([path]) => path.startsWith(`${group}.`));
}

function markdownRow(path: string, setting: Setting): string {
  const rules = rulesOf(setting);
  const reference = setting.reference === undefined ? "same" : `\`${shown(setting.reference)}\``;
  const meaning = setting.means + (setting.unit ? ` (${setting.unit})` : "");
  const cells = [`\`${path}\``, `\`${shown(rules.default)}\``, reference, rules.expected, meaning];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function shown(value: unknown): string {
  return typeof value === "string" && value !== "" ? value : JSON.stringify(value);
}
