// Levenshtein alignment of two sequences: what was substituted, deleted and inserted. Read next: text/error-rates.ts.

/** One step of an alignment; positions count from 0 and are -1 on the side that has nothing. */
export interface EditStep {
  readonly kind: "hit" | "substitution" | "deletion" | "insertion";
  /** Position in the reference, -1 for an insertion. */
  readonly reference: number;
  /** Position in the hypothesis, -1 for a deletion. */
  readonly hypothesis: number;
}

/** Counts of an alignment with the fewest edits; `errors` is that number. */
export interface EditCounts {
  readonly hits: number;
  readonly substitutions: number;
  readonly deletions: number;
  readonly insertions: number;
  /** substitutions + deletions + insertions. */
  readonly errors: number;
}

const DIAGONAL = 0; // hit or substitution
const DELETE = 1;
const INSERT = 2;

/**
 * Aligns `hypothesis` to `reference` with the fewest edits (Levenshtein 1966, unit costs).
 * Where several alignments need equally many, the backward walk from the end prefers a pairing (hit or
 * substitution) to a deletion and a deletion to an insertion; so counts are reproducible, though another tool may
 * split the same number of errors differently.
 *
 * @param reference - what should have been there, N items compared by `===`.
 * @param hypothesis - what was found, M items.
 * @returns the steps in order. Time and memory N·M (one byte a cell).
 * @example
 * alignEdits(["a", "b"], ["a", "c", "b"]).map((step) => step.kind); // ["hit", "insertion", "hit"]
 */
export function alignEdits<T>(reference: readonly T[], hypothesis: readonly T[]): EditStep[] {
  const rows = reference.length;
  const columns = hypothesis.length;
  const moves = new Uint8Array((rows + 1) * (columns + 1));
  let above = Uint32Array.from({ length: columns + 1 }, (_, j) => j);
  let current = new Uint32Array(columns + 1);
  moves.fill(INSERT, 0, columns + 1);
  for (let i = 1; i <= rows; i++) {
    current[0] = i;
    moves[i * (columns + 1)] = DELETE;
    for (let j = 1; j <= columns; j++) {
      const paired = above[j - 1]! + (reference[i - 1] === hypothesis[j - 1] ? 0 : 1);
      const deleted = above[j]! + 1;
      const inserted = current[j - 1]! + 1;
      const best = Math.min(paired, deleted, inserted);
      current[j] = best;
      moves[i * (columns + 1) + j] = best === paired ? DIAGONAL : best === deleted ? DELETE : INSERT;
    }
    [above, current] = [current, above];
  }

  const steps: EditStep[] = [];
  let i = rows;
  let j = columns;
  while (i > 0 || j > 0) {
    const move = moves[i * (columns + 1) + j];
    if (move === DIAGONAL) {
      i--;
      j--;
      const kind = reference[i] === hypothesis[j] ? "hit" : "substitution";
      steps.push({ kind, reference: i, hypothesis: j });
    } else if (move === DELETE) steps.push({ kind: "deletion", reference: --i, hypothesis: -1 });
    else steps.push({ kind: "insertion", reference: -1, hypothesis: --j });
  }
  return steps.reverse();
}

/**
 * Counts hits, substitutions, deletions and insertions of {@link alignEdits}.
 * @example
 * countEdits(["four", "one"], ["four"]).deletions; // 1
 */
export function countEdits<T>(reference: readonly T[], hypothesis: readonly T[]): EditCounts {
  const counts = { hit: 0, substitution: 0, deletion: 0, insertion: 0 };
  for (const { kind } of alignEdits(reference, hypothesis)) counts[kind]++;
  const { hit: hits, substitution: substitutions, deletion: deletions, insertion: insertions } = counts;
  return { hits, substitutions, deletions, insertions, errors: substitutions + deletions + insertions };
}

/**
 * The number of edits alone, in memory of one row; for suggestions and quick checks.
 * @example
 * editDistance("kitten", "sitting"); // 3
 */
export function editDistance<T>(reference: ArrayLike<T>, hypothesis: ArrayLike<T>): number {
  const row = Uint32Array.from({ length: hypothesis.length + 1 }, (_, j) => j);
  for (let i = 1; i <= reference.length; i++) {
    let diagonal = row[0]!;
    row[0] = i;
    for (let j = 1; j <= hypothesis.length; j++) {
      const above = row[j]!;
      const paired = diagonal + (reference[i - 1] === hypothesis[j - 1] ? 0 : 1);
      row[j] = Math.min(paired, above + 1, row[j - 1]! + 1);
      diagonal = above;
    }
  }
  return row[hypothesis.length]!;
}
