// The tracker's path: a Viterbi search over candidates and silence with bounded delay. Used by pitch-stream.ts.
import type { Candidates } from "./candidates.ts";

/** Costs of the path, in units of candidate strength. */
export interface PathCosts {
  readonly octaveCost: number;
  /** Per octave between neighbouring frames. */
  readonly octaveJumpCost: number;
  readonly voicingChangeCost: number;
}

/** The decision for one frame. */
export interface PathDecision {
  /** Hz, 0 where unvoiced. */
  readonly f0: number;
  /** Periodicity of the chosen candidate; of the best one where unvoiced; 0 without candidates. */
  readonly periodicity: number;
}

/** Octave 0 of the octave cost: log2 of 55 Hz. It only fixes what `voicingThreshold` means. */
const REFERENCE_OCTAVE: number = Math.log2(55);

interface Step {
  readonly candidates: Candidates;
  /** Best previous state of every state; state 0 is unvoiced, state j is candidate j - 1. */
  readonly back: Uint8Array;
}

/** Best path through frames pushed one at a time. */
export class VoicingPath {
  readonly #costs: PathCosts;
  readonly #steps: Step[] = [];
  /** Frame number of #steps[0]. */
  #first = 0;
  /** Scores and octaves of the newest frame. */
  #scores: Float64Array = new Float64Array(0);
  #octaves: Float64Array | undefined;

  constructor(costs: PathCosts) {
    this.#costs = costs;
  }

  /** Frames pushed so far. */
  get length(): number {
    return this.#first + this.#steps.length;
  }

  /** Adds a frame: its candidates and the strength of leaving it unvoiced. */
  push(candidates: Candidates, unvoicedStrength: number): void {
    const { octaveCost, octaveJumpCost, voicingChangeCost } = this.#costs;
    const count = candidates.octave.length + 1;
    const scores = new Float64Array(count);
    const back = new Uint8Array(count);
    const before = this.#scores;
    const previous = this.#octaves;
    for (let j = 0; j < count; j++) {
      const octave = j > 0 ? candidates.octave[j - 1]! : 0;
      const local =
        j > 0 ? candidates.periodicity[j - 1]! + octaveCost * (octave - REFERENCE_OCTAVE) : unvoicedStrength;
      if (previous === undefined) {
        scores[j] = local;
        continue;
      }
      let best = before[0]! - (j > 0 ? voicingChangeCost : 0);
      let from = 0;
      for (let i = 1; i < before.length; i++) {
        const cost = j > 0 ? octaveJumpCost * Math.abs(octave - previous[i - 1]!) : voicingChangeCost;
        if (before[i]! - cost > best) {
          best = before[i]! - cost;
          from = i;
        }
      }
      scores[j] = best + local;
      back[j] = from;
    }
    this.#scores = scores;
    this.#octaves = candidates.octave;
    this.#steps.push({ candidates, back });
    // Only differences count; rebasing keeps long signals exact.
    let top = scores[0]!;
    for (let j = 1; j < count; j++) top = Math.max(top, scores[j]!);
    for (let j = 0; j < count; j++) scores[j] = scores[j]! - top;
  }

  /** Decides the oldest frames, up to but not including frame `end`, along the best path known now. */
  take(end: number): PathDecision[] {
    const steps = this.#steps;
    const scores = this.#scores;
    let state = 0;
    for (let j = 1; j < scores.length; j++) if (scores[j]! > scores[state]!) state = j;
    const decided: PathDecision[] = [];
    const count = Math.max(0, end - this.#first);
    for (let i = steps.length - 1; i >= 0; i--) {
      const { candidates, back } = steps[i]!;
      if (i < count) {
        const height = candidates.periodicity[Math.max(0, state - 1)] ?? 0;
        decided.push({
          f0: state > 0 ? 2 ** candidates.octave[state - 1]! : 0,
          periodicity: Math.min(1, Math.max(0, height)),
        });
      }
      state = back[state]!;
    }
    steps.splice(0, count);
    this.#first += count;
    return decided.reverse();
  }
}
