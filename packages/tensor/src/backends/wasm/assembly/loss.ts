// Cross entropy of rows of logits against labels, as PyTorch's cross_entropy without the averaging.
// With q the target distribution (label smoothing spreads a share over all classes, class weights scale
// it): loss = -sum(q log softmax),  gradient = g (softmax sum(q) - q).
import { CrossEntropy } from "./contract";
import { expNegative } from "./math";
import { maxRow } from "./reduce";
import { expShifted, scaleRow } from "./softmax";

@inline function weight(weights: usize, c: i32): f32 {
  return weights ? load<f32>(weights + (<usize>c << 2)) : <f32>1;
}

/** Sum of e^(x - top) over a row, in float64: float32 would lose what stands beside the 1 of the largest. */
@inline function sumOfExp(x: usize, n: i32, top: f32): f64 {
  const shift = f32x4.splat(top);
  let a = f64x2.splat(0);
  let b = a;
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const e = expNegative(f32x4.sub(v128.load(x + (<usize>i << 2)), shift));
    a = f64x2.add(a, f64x2.promote_low_f32x4(e));
    b = f64x2.add(b, f64x2.promote_low_f32x4(i64x2.shuffle(e, e, 1, 1)));
  }
  a = f64x2.add(a, b);
  let total = f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
  for (; i < n; i++) {
    total += f32x4.extract_lane(expNegative(f32x4.splat(load<f32>(x + (<usize>i << 2)) - top)), 0);
  }
  return total;
}

/** Sum of a row but for one element, in float64. */
@inline function sumOfOthers(y: usize, n: i32, left: i32): f64 {
  let a = f64x2.splat(0);
  let b = a;
  let i = 0;
  const own = load<f32>(y + (<usize>left << 2));
  store<f32>(y + (<usize>left << 2), 0);
  for (; i + 4 <= n; i += 4) {
    const e = v128.load(y + (<usize>i << 2));
    a = f64x2.add(a, f64x2.promote_low_f32x4(e));
    b = f64x2.add(b, f64x2.promote_low_f32x4(i64x2.shuffle(e, e, 1, 1)));
  }
  a = f64x2.add(a, b);
  let total = f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
  for (; i < n; i++) total += load<f32>(y + (<usize>i << 2));
  store<f32>(y + (<usize>left << 2), own);
  return total;
}

/** How far a class lies below the top; what all logits have in common goes before anything is rounded. */
@inline function below(top: f32, row: usize, c: i32): f64 {
  return <f64>top - <f64>load<f32>(row + (<usize>c << 2));
}

/** Loss of rows [from, to). */
export function crossEntropy(from: i32, to: i32, task: CrossEntropy): void {
  const classes = task.classes;
  const weights = task.weights;
  const smoothing = task.smoothing;
  for (let r = from; r < to; r++) {
    const label = load<i32>(task.labels + (<usize>r << 2));
    const row = task.logits + (<usize>r * classes << 2);
    let loss: f64 = 0;
    if (!task.ignores || label != task.ignored) {
      const top = maxRow(row, classes);
      const level = NativeMath.log(sumOfExp(row, classes, top)); // the loss of a class as likely as the top
      loss = (level + below(top, row, label)) * weight(weights, label);
      if (smoothing > 0) {
        let spread: f64 = 0;
        for (let c = 0; c < classes; c++) spread += (level + below(top, row, c)) * weight(weights, c);
        loss = loss * (1 - smoothing) + spread * smoothing / classes;
      }
    }
    store<f32>(task.out + (<usize>r << 2), <f32>loss);
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
    expShifted(row, classes, false, 1, maxRow(row, classes), y);
    const at = y + (<usize>label << 2);
    const others = sumOfOthers(y, classes, label);
    const total = others + <f64>load<f32>(at);
    scaleRow(y, classes, <f32>(<f64>factor * mass / total));
    if (smoothing > 0) {
      for (let c = 0; c < classes; c++) {
        const one = y + (<usize>c << 2);
        store<f32>(one, load<f32>(one) - factor * share * weight(weights, c));
      }
    }
    // Without smoothing the label's own gradient is p - 1, written as what the other classes have.
    if (smoothing > 0) store<f32>(at, load<f32>(at) - factor * own);
    else store<f32>(at, <f32>(-<f64>factor * own * (others / total)));
  }
}
