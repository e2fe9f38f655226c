// Two interleaved half circles, told apart by a small network; the boundary it finds, drawn in the terminal.
//   node examples/dist/two-moons.js
// Everything is seeded: the same numbers and the same picture in every run.
import {
  Activation,
  AdamW,
  cosineSchedule,
  crossEntropyLoss,
  Linear,
  noGrad,
  Sequential,
} from "@echo-ts/autograd";
import { listBackends, setBackend, softmax, stream, type Tensor, tensor } from "@echo-ts/tensor";

const SEED = 7;
const POINTS = 300;
const NOISE = 0.15;
const STEPS = 600;

setBackend(listBackends().includes("wasm") ? "wasm" : "reference");

/** Points [POINTS, 2] on two half circles of radius 1, and the number of the circle of each. */
function makeMoons(name: string): { points: Tensor; labels: Tensor } {
  const random = stream(SEED, `moons/${name}`);
  const points = new Float32Array(2 * POINTS);
  const labels = new Int32Array(POINTS);
  for (let i = 0; i < POINTS; i++) {
    const lower = i % 2;
    const angle = random.uniform(0, Math.PI);
    const [x, y] =
      lower === 0 ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
    points[2 * i] = x + random.normal(0, NOISE);
    points[2 * i + 1] = y + random.normal(0, NOISE);
    labels[i] = lower;
  }
  return { points: tensor(points, { shape: [POINTS, 2] }), labels: tensor(labels) };
}

const model = new Sequential(
  new Linear(2, 16),
  new Activation("tanh"),
  new Linear(16, 16),
  new Activation("tanh"),
  new Linear(16, 2),
).initialize(SEED);

const accuracy = ({ points, labels }: ReturnType<typeof makeMoons>): number =>
  noGrad(() => model.forward(points).argmax(-1).equal(labels).cast("float32").mean().item());

console.log(`${model.summary()}\n`);
const train = makeMoons("train");
const optimizer = new AdamW(model, { learningRate: 0.03 });
const schedule = cosineSchedule({ peak: 0.03, warmupSteps: 20, steps: STEPS });
for (let step = 0; step <= STEPS; step++) {
  const loss = crossEntropyLoss(model.forward(train.points), train.labels);
  if (step % 100 === 0) console.log(`step ${String(step).padStart(3)}   loss ${loss.item().toFixed(4)}`);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.learningRate = schedule(step);
  optimizer.step();
}

const WIDTH = 72;
const HEIGHT = 26;
const LEFT = -1.6;
const RIGHT = 2.6;
const TOP = 1.6;
const BOTTOM = -1.1;

/** One character per cell: shade for the network's certainty, o and x for the points. */
function drawBoundary({ points, labels }: ReturnType<typeof makeMoons>): string {
  const cells = new Float32Array(2 * WIDTH * HEIGHT);
  for (let row = 0; row < HEIGHT; row++) {
    for (let column = 0; column < WIDTH; column++) {
      const at = 2 * (row * WIDTH + column);
      cells[at] = LEFT + ((RIGHT - LEFT) * (column + 0.5)) / WIDTH;
      cells[at + 1] = TOP - ((TOP - BOTTOM) * (row + 0.5)) / HEIGHT;
    }
  }
  const grid = tensor(cells, { shape: [WIDTH * HEIGHT, 2] });
  const lower = noGrad(() => softmax(model.forward(grid)).select(1, 1)).dataSync(); // P(lower moon)
  const picture = Array.from(lower, (p): string => (p < 0.1 ? " " : p < 0.5 ? "." : p < 0.9 ? ":" : "="));
  const [xy, classes] = [points.dataSync(), labels.dataSync()];
  for (let i = 0; i < POINTS; i++) {
    const column = Math.floor(((xy[2 * i]! - LEFT) / (RIGHT - LEFT)) * WIDTH);
    const row = Math.floor(((TOP - xy[2 * i + 1]!) / (TOP - BOTTOM)) * HEIGHT);
    if (column < 0 || column >= WIDTH || row < 0 || row >= HEIGHT) continue;
    picture[row * WIDTH + column] = classes[i] === 0 ? "o" : "x";
  }
  return Array.from({ length: HEIGHT }, (_, row) =>
    picture.slice(row * WIDTH, (row + 1) * WIDTH).join(""),
  ).join("\n");
}

const test = makeMoons("test");
console.log(`\n${drawBoundary(test)}\n`);
console.log(
  "o, x: new points of the two moons; blank and '=': the network is sure (90 %), '.' and ':' less so",
);
console.log(
  `correct: ${(100 * accuracy(train)).toFixed(1)} % of the training points, ${(100 * accuracy(test)).toFixed(1)} % of the new ones`,
);
