// The arithmetic that the studio shows for a frame of CTC: the sum over all spellings against an enumeration of every path,
// and against the packages' own loss.
import { ctcLoss } from "@echo-ts/autograd";
import { tensor } from "@echo-ts/tensor";
import t from "tap";

interface Lattice {
  readonly tokens: readonly string[];
  readonly probabilities: Float32Array;
}
interface Column {
  readonly probabilities: ArrayLike<number>;
  readonly frames: number;
}

const lib = "../../../site/lib/studio";
const { bestPath, forwardSums, merged, signsOf } = (await import(`${lib}/ctc-forward.js`)) as {
  bestPath(column: Column): number[];
  merged(path: readonly number[]): number[];
  signsOf(text: readonly number[]): number[];
  forwardSums(column: Column, signs: readonly number[]): number[][];
};
const { ctcLines } = (await import(`${lib}/ctc-arithmetic.js`)) as {
  ctcLines(lattice: Lattice, secondsPerFrame: number, frame: number): string[];
};

const FRAMES = 7;
const ROWS = 3;
/** Shares of each frame that sum to 1: [ROWS, FRAMES]. */
const probabilities = (() => {
  const raw = Float32Array.from({ length: ROWS * FRAMES }, (_, i) => 1 + ((i * 7919) % 13));
  return raw.map((value, i) => {
    let sum = 0;
    for (let row = 0; row < ROWS; row++) sum += raw[row * FRAMES + (i % FRAMES)]!;
    return value / sum;
  });
})();
const column = { probabilities, frames: FRAMES };

/** Sum over every path that reads out as `text`. */
function enumerated(text: readonly number[]): number {
  let sum = 0;
  for (let code = 0; code < ROWS ** FRAMES; code++) {
    const path = Array.from({ length: FRAMES }, (_, t) => Math.floor(code / ROWS ** t) % ROWS);
    if (merged(path).join() !== text.join()) continue;
    sum += path.reduce((product, row, t) => product * probabilities[row * FRAMES + t]!, 1);
  }
  return sum;
}

t.test("all ways to spell a text", async (t) => {
  for (const text of [[], [1], [1, 2], [1, 1], [2, 2, 1], [1, 2, 1, 2]]) {
    const last = forwardSums(column, signsOf(text)).at(-1)!;
    const sum = last.at(-1)! + (last.at(-2) ?? 0);
    t.ok(Math.abs(sum - enumerated(text)) < 1e-9, `of ${text.join()}: ${sum}`);
    if (text.length === 0) continue;
    const scores = Array.from({ length: FRAMES }, (_, f) => [
      Array.from({ length: ROWS }, (_, row) => Math.log(probabilities[row * FRAMES + f]!)),
    ]);
    const loss = ctcLoss(tensor(scores), tensor([text], { dtype: "int32" }), [FRAMES], [text.length], {
      reduction: "sum",
    });
    t.ok(Math.abs(Number(loss.item()) + Math.log(sum)) < 1e-5, "as the loss of the packages");
  }
});

t.test("what is said of a frame", async (t) => {
  const tokens = ["(blank)", "one", "two"];
  // One, one, blank, two, two.
  const rows = [0.1, 0.2, 0.8, 0.1, 0.1, 0.8, 0.7, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.8, 0.8];
  const lattice = { tokens, probabilities: Float32Array.from(rows) };
  t.same(bestPath({ probabilities: rows, frames: 5 }), [1, 1, 0, 2, 2]);
  const said = (frame: number) => ctcLines(lattice, 0.04, frame);
  t.match(said(0)[2], /likeliest is “one”\. .*is added\. Read out so far: one$/);
  t.match(said(1)[2], /repeat adds nothing\. Read out so far: one$/);
  t.match(said(2)[2], /likeliest is blank\. A blank adds nothing\. Read out so far: one$/);
  t.match(said(3)[2], /“two” is added\. Read out so far: one two$/);
  t.match(said(3)[0], /^Frame 3: 0\.12 s\.$/);
  // By hand: to “one” at frame 1 come the ways from the blank and from “one” at frame 0, times 0.7.
  t.match(
    said(1)[3],
    /0\.800 \(“one”\) \+ 0\.100 \(blank\) at the frame before; times 0\.700 for “one”: 0\.630$/,
  );
});
