// The sums of products of resample.ts: four outputs at once, two terms in each vector (f64x2), in the order of the
// TypeScript form, so the results are the same bits. All arguments are byte addresses or counts.

/** The sum of four strands, of which `a` holds the first two, and the terms from byte k on. */
@inline function finish(a: v128, b: v128, w: usize, s: usize, k: usize, end: usize): f64 {
  let first = f64x2.extract_lane(a, 0);
  for (; k < end; k += 8) first += load<f64>(w + k) * load<f64>(s + k);
  return first + f64x2.extract_lane(a, 1) + (f64x2.extract_lane(b, 0) + f64x2.extract_lane(b, 1));
}

@inline function term(sum: v128, w: usize, s: usize): v128 {
  return f64x2.add(sum, f64x2.mul(v128.load(w), v128.load(s)));
}

/** Four sums of `taps` products, of the weights at w0 ... w3 with the samples at s0 ... s3, to `out` as doubles. */
@inline function four(
  out: usize,
  taps: i32,
  w0: usize,
  w1: usize,
  w2: usize,
  w3: usize,
  s0: usize,
  s1: usize,
  s2: usize,
  s3: usize,
): void {
  const zero = f64x2.splat(0);
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
    a0 = term(a0, w0 + k, s0 + k);
    a1 = term(a1, w1 + k, s1 + k);
    a2 = term(a2, w2 + k, s2 + k);
    a3 = term(a3, w3 + k, s3 + k);
    b0 = term(b0, w0 + k + 16, s0 + k + 16);
    b1 = term(b1, w1 + k + 16, s1 + k + 16);
    b2 = term(b2, w2 + k + 16, s2 + k + 16);
    b3 = term(b3, w3 + k + 16, s3 + k + 16);
  }
  store<f64>(out, finish(a0, b0, w0, s0, k, end));
  store<f64>(out + 8, finish(a1, b1, w1, s1, k, end));
  store<f64>(out + 16, finish(a2, b2, w2, s2, k, end));
  store<f64>(out + 24, finish(a3, b3, w3, s3, k, end));
}

/** Outputs 0 ... count - 1 (a multiple of 4) as doubles: one row of weights for each phase, samples as doubles. */
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
  for (let i = 0; i < count; i += 4, out += 32) {
    const w0 = rows + <usize>phase * size;
    const s0 = samples;
    phase += rest;
    samples += steps;
    if (phase >= up) {
      phase -= up;
      samples += 8;
    }
    const w1 = rows + <usize>phase * size;
    const s1 = samples;
    phase += rest;
    samples += steps;
    if (phase >= up) {
      phase -= up;
      samples += 8;
    }
    const w2 = rows + <usize>phase * size;
    const s2 = samples;
    phase += rest;
    samples += steps;
    if (phase >= up) {
      phase -= up;
      samples += 8;
    }
    const w3 = rows + <usize>phase * size;
    const s3 = samples;
    phase += rest;
    samples += steps;
    if (phase >= up) {
      phase -= up;
      samples += 8;
    }
    four(out, taps, w0, w1, w2, w3, s0, s1, s2, s3);
  }
}

/** The sums of four neighbouring rows, the first at `row`, with the same samples. */
export function fourRows(out: usize, row: usize, taps: i32, samples: usize): void {
  const size = (<usize>taps) << 3;
  four(out, taps, row, row + size, row + 2 * size, row + 3 * size, samples, samples, samples, samples);
}
