// The prefix beam of CTC as a tree: which texts the search keeps after each frame. The search is the packages' own, run on
// the first t frames for every t, so the tree is what it does and not a copy of it.
import { ctcBeamDecode } from "@echo-ts/echo-model";

/** Log probabilities, as `ctcFrameScores` gives them. */
type FrameScores = Parameters<typeof ctcBeamDecode>[0];

/** A text that was in the beam at some time: the text of `parent` and one token more. */
export interface BeamNode {
  /** Place of the shorter text in the list; -1 for the empty text, which is the first. */
  readonly parent: number;
  /** Label of the last token; -1 for the empty text. */
  readonly token: number;
  /** Frame after which it was in the beam for the first time. */
  readonly born: number;
  /** Probability after each frame from `born` on, 0 where it was not in the beam; the beam's sums to 1. */
  readonly shares: Float32Array;
}

/**
 * The texts of the beam after each frame.
 *
 * @param beamSize texts kept per frame, default 4
 * @returns parents before children
 */
export function beamTree(scores: FrameScores, beamSize = 4): BeamNode[] {
  const { frames } = scores;
  const nodes: BeamNode[] = [];
  const places = new Map<string, number>();
  /** The node of a text, made at frame t with those before it if they are new. */
  const placeOf = (tokens: readonly number[], t: number): number => {
    const key = tokens.join(" ");
    const known = places.get(key);
    if (known !== undefined) return known;
    const parent = tokens.length === 0 ? -1 : placeOf(tokens.slice(0, -1), t);
    nodes.push({ parent, token: tokens.at(-1) ?? -1, born: t, shares: new Float32Array(frames - t) });
    places.set(key, nodes.length - 1);
    return nodes.length - 1;
  };
  placeOf([], 0);
  for (let t = 0; t < frames; t++) {
    const beam = ctcBeamDecode({ ...scores, frames: t + 1 }, { beamSize });
    const sum = beam.reduce((total, { score }) => total + Math.exp(score - beam[0]!.score), 0);
    for (const { tokens, score } of beam) {
      const { born, shares } = nodes[placeOf(tokens, t)]!;
      shares[t - born] = Math.exp(score - beam[0]!.score) / sum;
    }
  }
  return nodes;
}
