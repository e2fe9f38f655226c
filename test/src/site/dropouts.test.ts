// What the studio says about lost sound, from chunks whose losses are known. Read first: site/src/studio/dropouts.ts.
import t from "tap";

interface Chunk {
  readonly samples: Float32Array;
  readonly first: number;
  readonly skipped: number;
  readonly clock: number;
}

const { Dropouts } = (await import("../../../site/lib/studio/dropouts.js" as string)) as {
  Dropouts: new (rate: number) => { push(chunk: Chunk): void; readonly lost: number; readonly text: string };
};

const SIZE = 2048;
/** Chunks of 0.128 s that follow each other without a gap. */
const chunks = (count: number): Chunk[] =>
  Array.from({ length: count }, (_, i) => ({
    samples: new Float32Array(SIZE),
    first: i * SIZE,
    skipped: 0,
    clock: 128 * i,
  }));
const after = (given: readonly Chunk[]) => {
  const dropouts = new Dropouts(16000);
  for (const chunk of given) dropouts.push(chunk);
  return dropouts;
};

t.test("what was lost", async (t) => {
  t.equal(after(chunks(50)).lost, 0);
  t.equal(after(chunks(51)).text, "6.4 s without a gap");
  const without = chunks(50).filter((_, i) => i !== 20);
  t.equal(after(without).lost, 0.128, "a chunk that did not arrive");
  t.match(after(without).text, /0\.13 s are missing; close what else keeps this device busy/);
  const skipped = chunks(50).map((chunk, i) => (i === 20 ? { ...chunk, skipped: 1600 } : chunk));
  t.equal(after(skipped).lost, 0.1, "frames that the audio thread did not get");
  const slow = chunks(50).map((chunk, i) => (i < 20 ? chunk : { ...chunk, clock: chunk.clock + 500 }));
  t.ok(Math.abs(after(slow).lost - 0.5) < 1e-9, "fewer samples than the clock says");
  const late = chunks(50).map((chunk, i) => (i < 20 ? chunk : { ...chunk, clock: chunk.clock + 200 }));
  t.equal(after(late).lost, 0, "late is not lost");
  const short = [...chunks(50), { samples: new Float32Array(0), first: 50 * SIZE, skipped: 0, clock: 6400 }];
  t.equal(after(short).lost, 0, "the rest at the end may be empty");
});
