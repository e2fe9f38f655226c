// The oracle of ctcBeamDecode: prefix beam search that tries every token behind every text, written to be read.
// Hannun et al. 2014, "First-pass large vocabulary continuous speech recognition using bi-directional recurrent DNNs".
import type { FrameScores, Hypothesis } from "@echo-ts/echo-model";

const NEVER = Number.NEGATIVE_INFINITY;

function logAdd(a: number, b: number): number {
  const [high, low] = a > b ? [a, b] : [b, a];
  return low === NEVER ? high : high + Math.log1p(Math.exp(low - high));
}

interface Prefix {
  readonly tokens: readonly number[];
  /** Log probability of all alignments that end in a blank, and in the last token. */
  blank: number;
  label: number;
}

const total = ({ blank, label }: Prefix): number => logAdd(blank, label);

export function everyTokenBeam({ values, frames, vocabulary }: FrameScores, beamSize: number): Hypothesis[] {
  let beam: Prefix[] = [{ tokens: [], blank: 0, label: NEVER }];
  for (let t = 0; t < frames; t++) {
    const row = values.subarray(t * vocabulary, (t + 1) * vocabulary);
    const next = new Map<string, Prefix>();
    const at = (tokens: readonly number[]): Prefix => {
      const found = next.get(tokens.join(" ")) ?? { tokens, blank: NEVER, label: NEVER };
      next.set(tokens.join(" "), found);
      return found;
    };
    for (const prefix of beam) {
      const stay = at(prefix.tokens);
      stay.blank = logAdd(stay.blank, total(prefix) + row[0]!);
      const last = prefix.tokens.at(-1);
      if (last !== undefined) stay.label = logAdd(stay.label, prefix.label + row[last]!);
      for (let token = 1; token < vocabulary; token++) {
        const longer = at([...prefix.tokens, token]);
        const from = token === last ? prefix.blank : total(prefix);
        longer.label = logAdd(longer.label, from + row[token]!);
      }
    }
    beam = [...next.values()]
      .filter((prefix) => total(prefix) > NEVER)
      .sort((a, b) => total(b) - total(a))
      .slice(0, beamSize);
  }
  return beam.map((prefix) => ({ tokens: prefix.tokens, score: total(prefix) }));
}
