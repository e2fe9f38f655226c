// The table that `Module.summary` prints.

import { formatShape, Tensor } from "@echo-ts/tensor";
import { Parameter } from "../variable.ts";
import type { Module } from "./module.ts";

/** @internal `Module.summary`: one row per module, then the totals. */
export function formatSummary(root: Module): string {
  const counted = new Set<Tensor>();
  const rows = root.namedModules().map(([name, module]) => {
    const own = module.members().filter(({ value }) => value instanceof Tensor);
    const shapes = own.map((member) => `${member.name} ${formatShape((member.value as Tensor).shape)}`);
    let count = 0;
    for (const { value } of own) {
      // Tied parameters count where they appear first.
      if (!(value instanceof Parameter) || counted.has(value)) continue;
      counted.add(value);
      count += value.size;
    }
    return [name || "(root)", module.constructor.name, shapes.join(", "), count.toLocaleString("en-US")];
  });
  const heads = ["name", "module", "tensors", "parameters"];
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 3 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd();
  const rule = "-".repeat(widths.reduce((sum, width) => sum + width, 2 * (widths.length - 1)));
  const buffers = root.namedBuffers().reduce((sum, [, { size }]) => sum + size, 0);
  const total = `${root.parameterCount().toLocaleString("en-US")} parameters, ${buffers.toLocaleString("en-US")} buffer values`;
  return [line(heads), rule, ...rows.map(line), rule, total].join("\n");
}
