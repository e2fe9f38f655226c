// The page "Benchmark": runs bench.ts on a click and shows a table and a roofline of this device.
import "../layout/page.ts";
import * as Plot from "@observablehq/plot";
import { Figure, pageColor } from "../figure/figure.ts";
import { at } from "../layout/elements.ts";
import type { Measured } from "./bench.ts";

const figure = new Figure("roofline");
const state = at("state");
const start = at<HTMLButtonElement>("start");
at("figures").append(figure.element);

const gflops = ({ operations, milliseconds }: Measured): number => operations / milliseconds / 1e6;
const intensity = ({ operations, bytes }: Measured): number => operations / bytes;

function show(rows: readonly Measured[]): void {
  const points = rows.map((row) => ({
    name: row.name,
    backend: row.backend,
    x: intensity(row),
    y: gflops(row),
  }));
  figure.show({
    title: "More operations for each byte, more operations a second",
    text: "Each dot is one calculation. To the left memory is the limit, to the right the arithmetic. Both axes are logarithmic.",
    alt: `${rows.length} measurements of this device.`,
    plot: () => ({
      height: 300,
      marginLeft: 60,
      x: { type: "log", label: "operations for each byte" },
      y: { type: "log", label: "billion operations a second" },
      symbol: { legend: true },
      marks: [
        Plot.dot(points, {
          x: "x",
          y: "y",
          symbol: "backend",
          stroke: pageColor("--ours"),
          strokeWidth: 2,
          r: 6,
          title: "name",
        }),
      ],
    }),
    table: () => ({
      columns: ["calculation", "backend", "ms", "billion operations a second", "operations for each byte"],
      rows: rows.map((row) => [row.name, row.backend, row.milliseconds, gflops(row), intensity(row)]),
    }),
  });
}

start.addEventListener("click", () => {
  start.disabled = true;
  state.textContent = "Measuring; keep this tab in front.";
  const rows: Measured[] = [];
  const worker = new Worker(new URL("./bench.ts", import.meta.url), { type: "module", name: "bench" });
  worker.onmessage = ({ data }: MessageEvent<Measured | { readonly done: string }>) => {
    if ("done" in data) {
      state.textContent = `Done: ${data.done}`;
      start.disabled = false;
      worker.terminate();
    } else {
      rows.push(data);
      show(rows);
    }
  };
  worker.postMessage(null);
});
