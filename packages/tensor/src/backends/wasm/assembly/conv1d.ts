// 1-D convolution as a matrix product without forming the columns: packing reads the windows through a
// table of offsets. Signals are padded copies, so that no tap needs a test. Depthwise convolutions, one
// channel to one, have a loop of their own. Read next: loss.ts.
import { Depthwise } from "./contract";
import { sumLanes } from "./lanes";

/** Copies rows of n into rows of `padded` with `left` zeros before and zeros after; `gap` - 1 zeros between elements. */
export function padRows(from: i32, to: i32, x: usize, n: i32, left: i32, padded: i32, gap: i32, out: usize): void {
  for (let r = from; r < to; r++) {
    const source = x + (<usize>r * n << 2);
    const target = out + (<usize>r * padded << 2);
    if (gap == 1) {
      for (let i = 0; i < left; i++) store<f32>(target + (<usize>i << 2), 0);
      memory.copy(target + (<usize>left << 2), source, <usize>n << 2);
      for (let i = left + n; i < padded; i++) store<f32>(target + (<usize>i << 2), 0);
    } else {
      memory.fill(target, 0, <usize>padded << 2);
      for (let i = 0; i < n; i++) store<f32>(target + (<usize>(left + i * gap) << 2), load<f32>(source + (i << 2)));
    }
  }
}

/** Offsets of the rows (channel, tap) in a padded signal: channel * padded + tap * dilation. */
export function tapOffsets(channels: i32, taps: i32, padded: i32, dilation: i32, out: usize): void {
  for (let c = 0; c < channels; c++) {
    for (let k = 0; k < taps; k++) {
      store<i32>(out, c * padded + k * dilation);
      out += 4;
    }
  }
}

/** Frames in steps of eight of a row under the usual kernel of three taps; returns how many were done. */
function threeTaps(start: v128, x: usize, weights: usize, dilation: usize, y: usize, frames: i32): i32 {
  const w0 = v128.load32_splat(weights);
  const w1 = v128.load32_splat(weights, 4);
  const w2 = v128.load32_splat(weights, 8);
  const whole = frames & ~7;
  const end = y + (<usize>whole << 2);
  if (y < end) do {
    const x1 = x + dilation;
    const x2 = x1 + dilation;
    const a = f32x4.add(start, f32x4.mul(w0, v128.load(x)));
    const b = f32x4.add(start, f32x4.mul(w0, v128.load(x, 16)));
    const c = f32x4.add(a, f32x4.mul(w1, v128.load(x1)));
    const d = f32x4.add(b, f32x4.mul(w1, v128.load(x1, 16)));
    v128.store(y, f32x4.add(c, f32x4.mul(w2, v128.load(x2))));
    v128.store(y, f32x4.add(d, f32x4.mul(w2, v128.load(x2, 16))), 16);
    x += 32;
    y += 32;
  } while (y < end);
  return whole;
}

/** What `depthwise` says, on numbers. */
function depthwiseRows(
  from: i32, to: i32, channels: i32, x: usize, padded: i32, w: usize, taps: i32, stride: i32, dilation: i32,
  bias: usize, frames: i32, y: usize,
): void {
  for (let r = from; r < to; r++) {
    const c = r % channels;
    const signal = x + (<usize>r * padded << 2);
    const weights = w + (<usize>c * taps << 2);
    const out = y + (<usize>r * frames << 2);
    const start: f32 = bias ? load<f32>(bias + (<usize>c << 2)) : 0;
    let t = 0;
    if (stride == 1) {
      const first = f32x4.splat(start);
      if (taps == 3) t = threeTaps(first, signal, weights, <usize>dilation << 2, out, frames);
      for (; t + 8 <= frames; t += 8) {
        let a = first;
        let b = first;
        for (let k = 0; k < taps; k++) {
          const weight = v128.load32_splat(weights + (<usize>k << 2));
          const at = signal + (<usize>(t + k * dilation) << 2);
          a = f32x4.add(a, f32x4.mul(weight, v128.load(at)));
          b = f32x4.add(b, f32x4.mul(weight, v128.load(at, 16)));
        }
        v128.store(out + (<usize>t << 2), a);
        v128.store(out + (<usize>t << 2), b, 16);
      }
    }
    for (; t < frames; t++) {
      let a = start;
      for (let k = 0; k < taps; k++) {
        a += load<f32>(weights + (<usize>k << 2)) * load<f32>(signal + (<usize>(t * stride + k * dilation) << 2));
      }
      store<f32>(out + (<usize>t << 2), a);
    }
  }
}

// Through a table, or the compiler puts it into its caller, and V8 keeps fewer of its numbers in registers.
type DepthwiseRows = (
  from: i32, to: i32, channels: i32, x: usize, padded: i32, w: usize, taps: i32, stride: i32, dilation: i32,
  bias: usize, frames: i32, y: usize,
) => void;
const ROWS: StaticArray<DepthwiseRows> = [depthwiseRows];

/** Depthwise rows [from, to) of [B * C]: y[t] = bias[c] + sum over k of w[c, k] x[t stride + k dilation]. */
export function depthwise(from: i32, to: i32, task: Depthwise): void {
  unchecked(ROWS[0])(from, to, task.channels, task.x, task.padded, task.weights, task.taps, task.stride, task.dilation,
    task.bias, task.frames, task.out);
}

/** Depthwise weight gradient of channels [from, to): dw[c, k] = sum over batch and t of g[t] x[t stride + k dilation]. */
export function depthwiseWeightGrad(from: i32, to: i32, task: Depthwise): void {
  const channels = task.channels;
  const taps = task.taps;
  const stride = task.stride;
  const frames = task.frames;
  for (let c = from; c < to; c++) {
    for (let k = 0; k < taps; k++) {
      let total: f64 = 0;
      for (let b = 0; b < task.batch; b++) {
        const gradient = task.g + (<usize>(b * channels + c) * frames << 2);
        const signal = task.x + ((<usize>(b * channels + c) * task.padded + k * task.dilation) << 2);
        let a = i32x4.splat(0);
        let t = 0;
        if (stride == 1) {
          for (; t + 4 <= frames; t += 4) {
            a = f32x4.add(a, f32x4.mul(v128.load(gradient + (<usize>t << 2)), v128.load(signal + (<usize>t << 2))));
          }
        }
        total += sumLanes(a);
        for (; t < frames; t++) {
          total += load<f32>(gradient + (<usize>t << 2)) * load<f32>(signal + (<usize>t * stride << 2));
        }
      }
      store<f32>(task.out + (<usize>(c * taps + k) << 2), <f32>total);
    }
  }
}

/** Weights [groups, out, in, taps] as [groups, in, out, taps] with the taps reversed: those of the input's gradient. */
export function flipWeights(groups: i32, outs: i32, ins: i32, taps: i32, w: usize, flipped: usize): void {
  for (let g = 0; g < groups; g++) {
    for (let i = 0; i < ins; i++) {
      for (let o = 0; o < outs; o++) {
        for (let k = 0; k < taps; k++) {
          const at = ((<usize>g * outs + o) * ins + i) * taps + (taps - 1 - k);
          store<f32>(flipped, load<f32>(w + (at << 2)));
          flipped += 4;
        }
      }
    }
  }
}
