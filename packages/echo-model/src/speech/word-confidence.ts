// How sure a recogniser is of a word. CTC is surer than it is right; two numbers, fitted on recordings that were not
// trained on (`echo-asr calibrate`), turn its certainty into the share of such words that are right.
import type { FrameScores, TokenSpan } from "./decode/ctc-search.ts";

/** confidence = sigmoid(slope * logit(certainty) + offset); Platt (1999) on CTC's posterior. */
export interface Calibration {
  readonly slope: number;
  readonly offset: number;
}

/** Probability of a token in the frame of its span where it is likeliest, in [0, 1]. */
export function tokenConfidence(
  { values, vocabulary }: FrameScores,
  { token, start, end }: TokenSpan,
): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let t = start; t < end; t++) most = Math.max(most, values[t * vocabulary + token]!);
  return Math.exp(most);
}

/**
 * The probability that a word is right.
 * @example calibrated(0.9, { slope: 0.5, offset: -0.4 }); // 0.67
 */
export function calibrated(certainty: number, calibration?: Calibration): number {
  if (calibration === undefined) return certainty;
  return sigmoid(calibration.slope * logit(certainty) + calibration.offset);
}

/** One word to fit on. */
export interface JudgedWord {
  /** Of `tokenConfidence`, the least of the word's tokens. */
  readonly certainty: number;
  readonly right: boolean;
}

/**
 * Fits a calibration by maximum likelihood (logistic regression, Newton's method).
 * @throws RangeError when all words are right or all are wrong: nothing can be fitted then.
 */
export function fitCalibration(words: readonly JudgedWord[]): Calibration {
  const right = words.filter((word) => word.right).length;
  if (right === 0 || right === words.length)
    throw new RangeError(
      `fitCalibration: expected right and wrong words, got ${right} right of ${words.length}; use more recordings`,
    );
  // From slope 0, where Newton's method is sure to go downhill; steps that go uphill are halved.
  let slope = 0;
  let offset = logit(right / words.length);
  let loss = lossOf(words, { slope, offset });
  for (let step = 0; step < 100; step++) {
    let [g0, g1, h00, h01, h11] = [0, PULL * slope, 0, 0, PULL];
    for (const { certainty, right: y } of words) {
      const x = logit(certainty);
      const p = sigmoid(slope * x + offset);
      const w = p * (1 - p);
      g0 += p - (y ? 1 : 0);
      g1 += (p - (y ? 1 : 0)) * x;
      h00 += w;
      h01 += w * x;
      h11 += w * x * x;
    }
    const determinant = h00 * h11 - h01 * h01;
    const down = (h11 * g0 - h01 * g1) / determinant;
    const across = (h00 * g1 - h01 * g0) / determinant;
    let share = 1;
    let next = { slope: slope - across, offset: offset - down };
    while (share > 1e-6 && !(lossOf(words, next) <= loss)) {
      share /= 2;
      next = { slope: slope - share * across, offset: offset - share * down };
    }
    const gain = loss - lossOf(words, next);
    if (!(gain > 0)) break;
    ({ slope, offset } = next);
    loss -= gain;
  }
  return { slope, offset };
}

/** Pull of the slope towards 0: keeps the fit finite where certainty parts right from wrong without error. */
const PULL = 1e-3;

/** Negative log likelihood of a calibration, with the pull. */
function lossOf(words: readonly JudgedWord[], { slope, offset }: Calibration): number {
  let loss = (PULL * slope * slope) / 2;
  for (const { certainty, right } of words) {
    const z = slope * logit(certainty) + offset;
    loss += Math.log1p(Math.exp(-Math.abs(z))) + Math.max(0, right ? -z : z);
  }
  return loss;
}

/** One row of a reliability table. */
export interface ReliabilityRow {
  readonly from: number;
  readonly to: number;
  readonly words: number;
  /** Mean confidence, and share of words that are right; NaN without words. */
  readonly confidence: number;
  readonly right: number;
}

/** How often words of each confidence are right; a calibrated confidence equals that share. */
export function reliability(
  words: readonly { readonly confidence: number; readonly right: boolean }[],
  edges: readonly number[] = [0, 0.5, 0.7, 0.8, 0.9, 0.95, 1],
): ReliabilityRow[] {
  return edges.slice(1).map((to, i) => {
    const from = edges[i]!;
    const last = i + 2 === edges.length;
    const found = words.filter(({ confidence: c }) => c >= from && (c < to || (last && c <= to)));
    const mean = (of: (word: (typeof words)[number]) => number): number =>
      found.reduce((sum, word) => sum + of(word), 0) / found.length;
    return {
      from,
      to,
      words: found.length,
      confidence: mean((word) => word.confidence),
      right: mean((word) => (word.right ? 1 : 0)),
    };
  });
}

/** Certainties closer to 0 or 1 than this count as this, so that the logit stays finite. */
const CLOSEST = 1e-4;

function logit(p: number): number {
  const q = Math.min(1 - CLOSEST, Math.max(CLOSEST, p));
  return Math.log(q / (1 - q));
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
