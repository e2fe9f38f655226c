// Cross entropy of rows of logits against labels, as PyTorch's cross_entropy without the averaging.
// With q the target distribution (label smoothing spreads a share over all classes, class weights scale
// it): loss = -sum(q log softmax),  gradient = g (softmax sum(q) - q).
import { CrossEntropy } from "./contract";
import { sumLanes } from "./lanes";
import { expNegative } from "./math";
import { maxRow } from "./reduce";
import { expShifted, scaleRow } from "./softmax";

@inline function weight(weights: usize, c: i32): f32 {
  return weights ? load<f32>(weights + (<usize>c << 2)) : <f32>1;
}

/** Sum of e^(x - top) over a row. */
@inline function sumOfExp(x: usize, n: i32, top: f32): f32 {
  const shift = f32x4.splat(top);
  let a = i32x4.splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4) a = f32x4.add(a, expNegative(f32x4.sub(v128.load(x + (<usize>i << 2)), shift)));
  let total = sumLanes(a);
  for (; i < n; i++) {
    total += f32x4.extract_lane(expNegative(f32x4.splat(load<f32>(x + (<usize>i << 2)) - top)), 0);
  }
  return total;
}

/** Loss of rows [from, to). */
export function crossEntropy(from: i32, to: i32, task: CrossEntropy): void {
  const classes = task.classes;
  const weights = task.weights;
  const smoothing = task.smoothing;
  for (let r = from; r < to; r++) {
    const label = load<i32>(task.labels + (<usize>r << 2));
    const row = task.logits + (<usize>r * classes << 2);
    let loss: f32 = 0;
    if (!task.ignores || label != task.ignored) {
      const top = maxRow(row, classes);
      const level = top + <f32>NativeMath.log(<f64>sumOfExp(row, classes, top));
      loss = (level - load<f32>(row + (<usize>label << 2))) * weight(weights, label);
      if (smoothing > 0) {
        let spread: f64 = 0;
        for (let c = 0; c < classes; c++) {
          spread += <f64>((level - load<f32>(row + (<usize>c << 2))) * weight(weights, c));
        }
        loss = loss * (<f32>1 - smoothing) + <f32>(spread * smoothing / classes);
      }
    }
    store<f32>(task.out + (<usize>r << 2), loss);
  }
}

/** Gradient of the logits from the gradient g of each row's loss. */
export function crossEntropyGrad(from: i32, to: i32, task: CrossEntropy): void {
  const classes = task.classes;
  const weights = task.weights;
  const smoothing = task.smoothing;
  for (let r = from; r < to; r++) {
    const label = load<i32>(task.labels + (<usize>r << 2));
    const row = task.logits + (<usize>r * classes << 2);
    const y = task.out + (<usize>r * classes << 2);
    if (task.ignores && label == task.ignored) {
      memory.fill(y, 0, <usize>classes << 2);
      continue;
    }
    const factor = load<f32>(task.g + (<usize>r << 2));
    const own = weight(weights, label) * (<f32>1 - smoothing);
    const share = smoothing / <f32>classes;
    let mass = own;
    if (smoothing > 0) for (let c = 0; c < classes; c++) mass += weight(weights, c) * share;
    const total = expShifted(row, classes, false, 1, maxRow(row, classes), y);
    scaleRow(y, classes, factor * mass / total);
    if (smoothing > 0) {
      for (let c = 0; c < classes; c++) {
        const at = y + (<usize>c << 2);
        store<f32>(at, load<f32>(at) - factor * share * weight(weights, c));
      }
    }
    const at = y + (<usize>label << 2);
    store<f32>(at, load<f32>(at) - factor * own);
  }
}
