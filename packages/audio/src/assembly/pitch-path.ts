// One step of pyin's Viterbi search, two pitch bins in each vector (f64x2): the same operations in the same order as
// pitch-path.ts, so the results are the same bits. All arguments are byte addresses or counts.

/**
 * For every bin the best source of one kind: the maximum over the band of value + log of the move, and where it is (as a
 * double, the first of equals). `padded` begins half a band before the first bin; row m of `logs` holds the move from
 * source j - half + m to each bin j. `bins` is even.
 */
export function bandMaximum(
  padded: usize, logs: usize, width: i32, bins: i32, best: usize, source: usize,
): void {
  const row = <usize>bins << 3;
  for (let j = 0; j < bins; j += 8) {
    const at = <usize>j << 3;
    let p = padded + at;
    let w = logs + at;
    let t0 = f64x2.splat(-Infinity);
    let t1 = t0;
    let t2 = t0;
    let t3 = t0;
    const zero = f64x2.splat(0);
    let i0 = zero;
    let i1 = zero;
    let i2 = zero;
    let i3 = zero;
    for (let m = 0; m < width; m++, p += 8, w += row) {
      const index = f64x2.splat(<f64>m);
      const s0 = f64x2.add(v128.load(p), v128.load(w));
      const s1 = f64x2.add(v128.load(p, 16), v128.load(w, 16));
      const s2 = f64x2.add(v128.load(p, 32), v128.load(w, 32));
      const s3 = f64x2.add(v128.load(p, 48), v128.load(w, 48));
      i0 = v128.bitselect(index, i0, f64x2.gt(s0, t0));
      i1 = v128.bitselect(index, i1, f64x2.gt(s1, t1));
      i2 = v128.bitselect(index, i2, f64x2.gt(s2, t2));
      i3 = v128.bitselect(index, i3, f64x2.gt(s3, t3));
      t0 = f64x2.pmax(t0, s0);
      t1 = f64x2.pmax(t1, s1);
      t2 = f64x2.pmax(t2, s2);
      t3 = f64x2.pmax(t3, s3);
    }
    v128.store(best + at, t0);
    v128.store(best + at, t1, 16);
    v128.store(best + at, t2, 32);
    v128.store(best + at, t3, 48);
    v128.store(source + at, i0);
    v128.store(source + at, i1, 16);
    v128.store(source + at, i2, 32);
    v128.store(source + at, i3, 48);
  }
}

/** The better of two ways, a before b where they are equal, or the leap; its source goes out by `store16`. */
@inline function decide(
  a: v128, b: v128, leap: v128, sourceA: v128, sourceB: v128, top: v128, local: v128, next: usize, pointers: usize,
): void {
  const first = f64x2.ge(a, b);
  let best = v128.bitselect(a, b, first);
  let from = v128.bitselect(sourceA, sourceB, first);
  const leaps = f64x2.gt(leap, best);
  best = v128.bitselect(leap, best, leaps);
  from = v128.bitselect(top, from, leaps);
  v128.store(next, f64x2.add(best, local));
  const whole = i32x4.trunc_sat_f64x2_u_zero(from);
  v128.store16_lane(pointers, whole, 0);
  v128.store16_lane(pointers, whole, 2, 2);
}

/**
 * From the best sources of both kinds to the scores and pointers of a frame. `fromVoiced` and the three arrays behind it
 * (fromUnvoiced, voicedSource, unvoicedSource) have room for `room` bins each; `next` and `pointers` hold `bins` voiced
 * and, from `room` on, `bins` unvoiced states. Sources come as places within their bands.
 */
export function advance(
  fromVoiced: usize, room: i32, bins: i32, half: f64, stay: f64, change: f64, leap: f64, top: f64,
  observed: usize, unvoiced: f64, next: usize, pointers: usize,
): void {
  const size = <usize>room << 3;
  const logStay = f64x2.splat(stay);
  const logSwitch = f64x2.splat(change);
  const leapTo = f64x2.splat(leap);
  const topState = f64x2.splat(top);
  const logUnvoiced = f64x2.splat(unvoiced);
  let base = f64x2.replace_lane(f64x2.splat(-half), 1, 1 - half);
  const two = f64x2.splat(2);
  const offset = f64x2.splat(<f64>bins);
  for (let j = 0; j < bins; j += 2) {
    const at = fromVoiced + (<usize>j << 3);
    const a = v128.load(at);
    const b = v128.load(at + size);
    const sourceA = f64x2.add(v128.load(at + 2 * size), base);
    const sourceB = f64x2.add(f64x2.add(v128.load(at + 3 * size), base), offset);
    const to = next + (<usize>j << 3);
    const pointer = pointers + (<usize>j << 1);
    const local = v128.load(observed + (<usize>j << 3));
    decide(f64x2.add(a, logStay), f64x2.add(b, logSwitch), leapTo, sourceA, sourceB, topState, local, to, pointer);
    decide(
      f64x2.add(a, logSwitch), f64x2.add(b, logStay), leapTo, sourceA, sourceB, topState, logUnvoiced, to + size,
      pointer + (<usize>room << 1),
    );
    base = f64x2.add(base, two);
  }
}
