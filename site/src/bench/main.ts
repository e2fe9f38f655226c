// The page "Benchmark": runs bench.ts on a click, one engine after the other, and shows a table and a roofline of this
// device. Read first: items.ts.
import "../layout/page.ts";
import { at } from "../layout/elements.ts";
import type { BenchNews, EngineId } from "./bench.ts";
import { RooflineFigure, type Row } from "./roofline-figure.ts";

/** In the order in which they run; the address may name some alone, as in ?engines=webgpu,wasm. */
const wanted = new URLSearchParams(location.search).get("engines")?.split(",");
const ALL: readonly { readonly id: EngineId; readonly name: string }[] = [
  { id: "wasm", name: "wasm, all threads" },
  { id: "wasm-1", name: "wasm, one thread" },
  { id: "wasm-fma", name: "wasm, fused multiply-add" },
  { id: "webgpu", name: "WebGPU" },
  { id: "webgl2", name: "WebGL 2" },
  { id: "reference", name: "TypeScript to be read" },
];
const ENGINES = ALL.filter(({ id }) => wanted?.includes(id) ?? true);
/** A driver that says nothing for so long hangs. */
const MOST_SILENCE = 30_000;

const state = at("state");
const start = at<HTMLButtonElement>("start");
// The table scrolls on a narrow screen, so the keyboard must reach it.
at("times").tabIndex = 0;
const figure = new RooflineFigure(at("figures"));
let rows: Row[] = [];
const notes = new Map<string, string>();

function showTable(): void {
  const items = [...new Set(rows.map(({ item }) => item))];
  const engines = ENGINES.filter(({ name }) => notes.has(name));
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  const header = (row: HTMLTableRowElement, text: string, scope: "col" | "row"): void => {
    const cell = document.createElement("th");
    cell.scope = scope;
    cell.textContent = text;
    row.append(cell);
  };
  for (const name of ["Milliseconds", ...engines.map((engine) => engine.name)]) header(head, name, "col");
  const body = table.createTBody();
  for (const item of items) {
    const row = body.insertRow();
    header(row, item, "row");
    for (const { name } of engines) {
      const found = rows.find((one) => one.item === item && one.engine === name);
      row.insertCell().textContent = found === undefined ? "–" : found.milliseconds.toPrecision(3);
    }
  }
  at("times").replaceChildren(...(items.length > 0 ? [table] : []));
  at("engines").replaceChildren(
    ...[...notes].map(([name, text]) => {
      const item = document.createElement("li");
      const bold = document.createElement("b");
      bold.textContent = name;
      item.append(bold, `: ${text}`);
      return item;
    }),
  );
}

/** Runs one engine to its end; a missing or hanging one leaves a note and no more. */
function measure(id: EngineId, name: string): Promise<void> {
  const worker = new Worker(new URL("./bench.ts", import.meta.url), { type: "module", name: `bench ${id}` });
  return new Promise<void>((resolve) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = (note?: string): void => {
      clearTimeout(timer);
      worker.terminate();
      if (note !== undefined) notes.set(name, note);
      showTable();
      resolve();
    };
    const wait = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => end("it did not answer for 30 s and was stopped"), MOST_SILENCE);
    };
    worker.onerror = ({ message }) => end(`it failed (${message})`);
    worker.onmessage = ({ data: news }: MessageEvent<BenchNews>) => {
      wait();
      switch (news.kind) {
        case "runs on":
          notes.set(name, news.text);
          break;
        case "row":
          rows = [...rows, { engine: name, item: news.item, milliseconds: news.milliseconds }];
          figure.show(rows);
          break;
        case "missing":
          return end(`not here. ${news.text}`);
        case "done":
          return end();
      }
      showTable();
    };
    wait();
    worker.postMessage(id);
  });
}

start.addEventListener("click", async () => {
  start.disabled = true;
  rows = [];
  notes.clear();
  for (const { id, name } of ENGINES) {
    state.textContent = `Measuring ${name}; keep this tab in front.`;
    await measure(id, name);
  }
  state.textContent = `Done: ${rows.length} measurements.`;
  start.disabled = false;
});
