// The sums of products of resample.ts: four outputs at once, two terms in each vector (f64x2), in the order of the
// TypeScript form, so the results are the same bits. Four outputs that share their weights or their samples load them once:
// loads are what takes the time. All arguments are byte addresses or counts.

/** The sum of four strands, of which `a` holds the first two, and the terms from byte k on. */
@inline function finish(a: v128, b: v128, w: usize, s: usize, k: usize, end: usize): f64 {
  let first = f64x2.extract_lane(a, 0);
  for (; k < end; k += 8) first += load<f64>(w + k) * load<f64>(s + k);
  return first + f64x2.extract_lane(a, 1) + (f64x2.extract_lane(b, 0) + f64x2.extract_lane(b, 1));
}

/** Four sums of `taps` products of the weights at w with samples that begin `step` bytes apart: the first `used` to `out`. */
@inline function fourOfRow(out: usize, apart: usize, used: i32, taps: i32, w: usize, s0: usize, step: usize): void {
  const zero = f64x2.splat(0);
  const s1 = s0 + step;
  const s2 = s1 + step;
  const s3 = s2 + step;
  let a0 = zero;
  let a1 = zero;
  let a2 = zero;
  let a3 = zero;
  let b0 = zero;
  let b1 = zero;
  let b2 = zero;
  let b3 = zero;
  const end = (<usize>taps) << 3;
  const whole = (<usize>(taps & ~3)) << 3;
  let k: usize = 0;
  for (; k < whole; k += 32) {
    const first = v128.load(w + k);
    a0 = f64x2.add(a0, f64x2.mul(first, v128.load(s0 + k)));
    a1 = f64x2.add(a1, f64x2.mul(first, v128.load(s1 + k)));
    a2 = f64x2.add(a2, f64x2.mul(first, v128.load(s2 + k)));
    a3 = f64x2.add(a3, f64x2.mul(first, v128.load(s3 + k)));
    const second = v128.load(w + k + 16);
    b0 = f64x2.add(b0, f64x2.mul(second, v128.load(s0 + k + 16)));
    b1 = f64x2.add(b1, f64x2.mul(second, v128.load(s1 + k + 16)));
    b2 = f64x2.add(b2, f64x2.mul(second, v128.load(s2 + k + 16)));
    b3 = f64x2.add(b3, f64x2.mul(second, v128.load(s3 + k + 16)));
  }
  store<f64>(out, finish(a0, b0, w, s0, k, end));
  if (used > 1) store<f64>(out + apart, finish(a1, b1, w, s1, k, end));
  if (used > 2) store<f64>(out + 2 * apart, finish(a2, b2, w, s2, k, end));
  if (used > 3) store<f64>(out + 3 * apart, finish(a3, b3, w, s3, k, end));
}

/**
 * Outputs 0 ... count - 1 as doubles: one row of weights for each phase, samples as doubles. Every up-th output has the same
 * row, and samples that begin `down` later. Samples up to 3 * down behind the last that is needed are read, not used: they
 * lie within the rows, which stand behind the samples and are longer.
 */
export function convolve(
  out: usize,
  count: i32,
  rows: usize,
  taps: i32,
  up: i32,
  down: i32,
  phase: i32,
  samples: usize,
): void {
  const size = (<usize>taps) << 3;
  const steps = (<usize>(down / up)) << 3;
  const rest = down % up;
  const step = (<usize>down) << 3;
  const apart = (<usize>up) << 3;
  const phases = min(up, count);
  for (let first = 0; first < phases; first++) {
    const w = rows + <usize>phase * size;
    let s = samples;
    let to = out + ((<usize>first) << 3);
    for (let left = (count - first + up - 1) / up; left > 0; left -= 4) {
      fourOfRow(to, apart, left, taps, w, s, step);
      to += 4 * apart;
      s += 4 * step;
    }
    phase += rest;
    samples += steps;
    if (phase >= up) {
      phase -= up;
      samples += 8;
    }
  }
}

/** The sums of four neighbouring rows, the first at `row`, with the same samples. */
export function fourRows(out: usize, row: usize, taps: i32, samples: usize): void {
  const zero = f64x2.splat(0);
  const end = (<usize>taps) << 3;
  const whole = (<usize>(taps & ~3)) << 3;
  const w1 = row + end;
  const w2 = w1 + end;
  const w3 = w2 + end;
  let a0 = zero;
  let a1 = zero;
  let a2 = zero;
  let a3 = zero;
  let b0 = zero;
  let b1 = zero;
  let b2 = zero;
  let b3 = zero;
  let k: usize = 0;
  for (; k < whole; k += 32) {
    const first = v128.load(samples + k);
    a0 = f64x2.add(a0, f64x2.mul(v128.load(row + k), first));
    a1 = f64x2.add(a1, f64x2.mul(v128.load(w1 + k), first));
    a2 = f64x2.add(a2, f64x2.mul(v128.load(w2 + k), first));
    a3 = f64x2.add(a3, f64x2.mul(v128.load(w3 + k), first));
    const second = v128.load(samples + k + 16);
    b0 = f64x2.add(b0, f64x2.mul(v128.load(row + k + 16), second));
    b1 = f64x2.add(b1, f64x2.mul(v128.load(w1 + k + 16), second));
    b2 = f64x2.add(b2, f64x2.mul(v128.load(w2 + k + 16), second));
    b3 = f64x2.add(b3, f64x2.mul(v128.load(w3 + k + 16), second));
  }
  store<f64>(out, finish(a0, b0, row, samples, k, end));
  store<f64>(out + 8, finish(a1, b1, w1, samples, k, end));
  store<f64>(out + 16, finish(a2, b2, w2, samples, k, end));
  store<f64>(out + 24, finish(a3, b3, w3, samples, k, end));
}
