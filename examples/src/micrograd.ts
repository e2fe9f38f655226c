// An engine from scratch in about 100 lines: numbers that remember how they were computed, and gradients by
// walking back. It ends where @echo-ts/autograd begins: the same network there, with the same gradients.
// Run: node examples/dist/micrograd.js

import { mseLoss, Parameter } from "@echo-ts/autograd";
import { linear, stream, tanh, tensor } from "@echo-ts/tensor";

// 1. A number, what it was computed from, and how a change of each input would change it.

class Value {
  readonly data: number;
  readonly inputs: readonly Value[];
  /** The derivative of this value with respect to each input: all of calculus that the engine needs. */
  readonly slopes: readonly number[];
  grad = 0;

  constructor(data: number, inputs: readonly Value[] = [], slopes: readonly number[] = []) {
    this.data = data;
    this.inputs = inputs;
    this.slopes = slopes;
  }

  add(other: Value): Value {
    return new Value(this.data + other.data, [this, other], [1, 1]);
  }

  mul(other: Value): Value {
    return new Value(this.data * other.data, [this, other], [other.data, this.data]);
  }

  tanh(): Value {
    const y = Math.tanh(this.data);
    return new Value(y, [this], [1 - y * y]);
  }

  // 2. The chain rule. Visit values after everything that was computed from them, and pass on
  //    to each input its share: the gradient here times the slope on the way there.

  backward(): void {
    const order: Value[] = [];
    const seen = new Set<Value>();
    const visit = (value: Value): void => {
      if (seen.has(value)) return;
      seen.add(value);
      value.inputs.forEach(visit);
      order.push(value);
    };
    visit(this);
    this.grad = 1;
    for (const value of order.reverse()) {
      value.inputs.forEach((input, i) => {
        input.grad += value.grad * value.slopes[i]!;
      });
    }
  }
}

// 3. A network of such numbers: two inputs, four hidden neurons, one output. It is to learn exclusive or.

const random = stream(1, "micrograd");
const draw = (count: number): number[] => Array.from({ length: count }, () => random.normal());
const initial = { hidden: draw(4 * 2), hiddenBias: draw(4), output: draw(4), outputBias: draw(1) };
// biome-ignore format: a table
const points = [[0, 0], [0, 1], [1, 0], [1, 1]] as const;
const truth = [-1, 1, 1, -1];

type Weights = Record<keyof typeof initial, Value[]>;

function lossOf(weights: Weights): Value {
  const losses = points.map((point, n) => {
    let out = weights.outputBias[0]!;
    for (let j = 0; j < 4; j++) {
      let sum = weights.hiddenBias[j]!;
      point.forEach((x, i) => {
        sum = sum.add(weights.hidden[2 * j + i]!.mul(new Value(x)));
      });
      out = out.add(weights.output[j]!.mul(sum.tanh()));
    }
    const error = out.add(new Value(-truth[n]!));
    return error.mul(error);
  });
  return losses.reduce((a, b) => a.add(b)).mul(new Value(1 / 4));
}

// 4. Learning: a small step against the gradient, again and again. Weights are made anew each time.

const asValues = (numbers: readonly number[]): Value[] => numbers.map((x) => new Value(x));
let numbers = initial;
for (let step = 0; step <= 40; step++) {
  const weights = {
    hidden: asValues(numbers.hidden),
    hiddenBias: asValues(numbers.hiddenBias),
    output: asValues(numbers.output),
    outputBias: asValues(numbers.outputBias),
  };
  const loss = lossOf(weights);
  loss.backward();
  if (step === 0) compareWithPackage(weights, loss);
  if (step % 10 === 0) console.log(`step ${String(step).padStart(3)}  loss ${loss.data.toFixed(4)}`);
  const moved = (values: Value[]): number[] => values.map((v) => v.data - 0.2 * v.grad);
  numbers = {
    hidden: moved(weights.hidden),
    hiddenBias: moved(weights.hiddenBias),
    output: moved(weights.output),
    outputBias: moved(weights.outputBias),
  };
}

// 5. Where the package begins. A tensor is many numbers at once, an op many of the operations above, and
//    its rule says in one line what `slopes` says here. Everything else is the same walk.

function compareWithPackage(weights: Weights, loss: Value): void {
  const parameter = (values: number[], shape: number[]): Parameter =>
    new Parameter(tensor(Float64Array.from(values), { shape }));
  const hidden = parameter(initial.hidden, [4, 2]);
  const hiddenBias = parameter(initial.hiddenBias, [4]);
  const output = parameter(initial.output, [1, 4]);
  const outputBias = parameter(initial.outputBias, [1]);
  const x = tensor(Float64Array.from(points.flat()), { shape: [4, 2] });
  const y = tensor(Float64Array.from(truth), { shape: [4, 1] });
  const theirs = mseLoss(linear(tanh(linear(x, hidden, hiddenBias)), output, outputBias), y);
  theirs.backward();
  const difference = Math.max(
    Math.abs(theirs.item() - loss.data),
    ...weights.hidden.map((v, i) => Math.abs(v.grad - hidden.grad!.dataSync()[i]!)),
    ...weights.output.map((v, i) => Math.abs(v.grad - output.grad!.dataSync()[i]!)),
  );
  console.log(`loss and gradients of @echo-ts/autograd differ by less than 1e-12: ${difference < 1e-12}`);
}
