// What views are: one buffer of 24 numbers, and the ways to read it without moving one of them.
//   node examples/dist/strided-views.js
// Each grid shows the buffer; a number in it says when the view reads that element (0 is its first).
import { arange, copy, type Tensor } from "@echo-ts/tensor";

const COLUMNS = 12;

const buffer: Tensor = arange(24);

/** Positions in the buffer, in the order in which the view reads them: its own elements, as the buffer counts up. */
function positions(view: Tensor): number[] {
  return [...view.dataSync()];
}

/** The buffer as a grid, with the place in the view's order at each element that it reads; `*` for several. */
function grid(view: Tensor): string {
  const order = new Map<number, string>();
  positions(view).forEach((position, i) => {
    order.set(position, order.has(position) ? "*" : String(i));
  });
  const cells = Array.from({ length: buffer.size }, (_, i) => (order.get(i) ?? ".").padStart(3));
  const rows: string[] = [];
  for (let i = 0; i < cells.length; i += COLUMNS) rows.push(`    ${cells.slice(i, i + COLUMNS).join("")}`);
  return rows.join("\n");
}

const list = (numbers: readonly number[]): string => `[${numbers.join(", ")}]`;

function show(title: string, view: Tensor): void {
  const shared = view.storage === buffer.storage ? "same storage" : "storage of its own";
  console.log(
    `${title}\n  shape ${list(view.shape)}  strides ${list(view.strides)}  offset ${view.offset}  ${shared}`,
  );
  console.log(`${grid(view)}\n`);
}

const matrix = buffer.reshape([4, 6]);

show("buffer = arange(24)", buffer);
show("matrix = buffer.reshape([4, 6]): new shape and strides", matrix);
show("matrix.transpose(): the strides swapped", matrix.transpose());
show(
  "matrix.slice([{ start: 1, stop: 3 }, { step: 2 }]): an offset, and a longer stride",
  matrix.slice([{ start: 1, stop: 3 }, { step: 2 }]),
);
show(
  "matrix.slice([null, { step: -1 }]): a negative stride reads backwards",
  matrix.slice([null, { step: -1 }]),
);
show("matrix.select(1, 2): one column", matrix.select(1, 2));
show(
  "matrix.slice([0]).broadcastTo([3, 6]): stride 0 reads a row again and again",
  matrix.slice([0]).broadcastTo([3, 6]),
);
show("buffer.unfold(0, 6, 3): windows of 6, 3 apart, that overlap", buffer.unfold(0, 6, 3));
show(
  "matrix.transpose().reshape([24]): no strides can say this, so it is a copy",
  matrix.transpose().reshape([24]),
);

const windows = buffer.unfold(0, 6, 3);
console.log(
  `${windows.size} elements of the windows in a buffer of ${windows.storage.length}; a dense copy has ${copy(windows).storage.length}`,
);
