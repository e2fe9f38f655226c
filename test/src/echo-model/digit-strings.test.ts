// Digit strings: drawn again exactly as the listed ones were, at random, in stages; joined from recordings.

import { parseManifest, parseStrings } from "@echo-ts/echo-model";
import {
  type DigitClip,
  digitStage,
  digitText,
  drawListedStrings,
  drawRandomString,
  fnv1a,
  mulberry32,
  parseDigitStages,
  splitDigits,
} from "@echo-ts/echo-model/study";
import { stream } from "@echo-ts/tensor";
import t from "tap";
import { joinClips } from "../../../packages/echo-model/dist/speech/join-clips.js";
import { readShared, skipWithoutShared } from "../shared-material.ts";

t.test("mulberry32 and FNV-1a give the documented check values", async (t) => {
  t.equal(fnv1a("echo-digit-strings-1/speaker/train"), 1278943498);
  const next = mulberry32(1278943498);
  t.same([next(), next(), next()], [2867207173, 1595462878, 1928744605]);
  t.equal(fnv1a(""), 0x811c9dc5, "the offset basis");
  t.equal(fnv1a("a"), 0xe40c292c, "a published vector");
  t.equal(fnv1a("foobar"), 0xbf9cf968, "a published vector");
});

t.test("the digit pack's lists are drawn again exactly", { skip: skipWithoutShared }, async (t) => {
  const { utterances } = parseManifest(readShared("data", "fsdd", "manifest.jsonl"), "manifest.jsonl");
  t.equal(utterances.length, 3000);
  const clips = utterances.map(({ id, speaker, split, row }) => ({
    id,
    speaker: speaker!,
    split,
    digit: row.digit as number,
    index: row.index as number,
  }));
  const speakersOf: Record<string, string[]> = {
    train: ["george", "jackson", "lucas", "nicolas"],
    dev: ["yweweler"],
    test: ["theo"],
  };
  for (const scheme of ["speaker", "official"]) {
    const file = `strings-${scheme}.jsonl`;
    const listed = parseStrings(readShared("data", "fsdd", file), file, utterances);
    t.same(listed.problems, []);
    for (const [split, count] of [
      ["train", 2000],
      ["dev", 200],
      ["test", 200],
    ] as const) {
      const own = clips.filter((clip) =>
        scheme === "official" ? clip.split === split : speakersOf[split]!.includes(clip.speaker),
      );
      const drawn = drawListedStrings(`echo-digit-strings-1/${scheme}/${split}`, own, count);
      const rows = listed.utterances.filter((row) => row.split === split);
      t.equal(rows.length, count);
      const same = rows.every(
        ({ row, speaker, text }, k) =>
          speaker === drawn[k]!.speaker &&
          JSON.stringify(row.clips) === JSON.stringify(drawn[k]!.clips) &&
          JSON.stringify(row.gaps) === JSON.stringify(drawn[k]!.gaps) &&
          text === digitText(drawn[k]!.clips.map((clip) => Number(clip[0]))),
      );
      t.ok(same, `${scheme}/${split}: ${count} strings`);
    }
  }
});

const CLIPS: DigitClip[] = ["ann", "bob", "cat"].flatMap((speaker) =>
  [0, 1, 2].flatMap((digit) =>
    [0, 1, 2, 3].map((index) => ({ id: `${digit}_${speaker}_${index}`, speaker, digit, index })),
  ),
);

t.test("random digit strings", async (t) => {
  const draw = (seed: number, count: number) => {
    const random = stream(seed, "digits");
    return Array.from({ length: count }, () => drawRandomString(CLIPS, { fewest: 3, most: 7 }, random));
  };
  const strings = draw(1, 2000);
  t.same(draw(1, 20), strings.slice(0, 20), "the same stream gives the same strings");
  t.notSame(draw(2, 20), strings.slice(0, 20));
  const lengths = new Set(strings.map(({ clips }) => clips.length));
  t.same([...lengths].sort(), [3, 4, 5, 6, 7]);
  t.equal(new Set(strings.map(({ speaker }) => speaker)).size, 3);
  t.equal(new Set(strings.flatMap(({ clips }) => clips)).size, CLIPS.length, "every recording turns up");
  for (const { speaker, clips, gaps } of strings) {
    if (!clips.every((id) => id.includes(`_${speaker}_`))) t.fail("a string mixes speakers");
    if (gaps.length !== clips.length + 1) t.fail("gaps");
    const edges = [gaps[0]!, gaps.at(-1)!];
    if (!edges.every((gap) => gap >= 400 && gap <= 2400)) t.fail(`edges ${edges}`);
    if (!gaps.slice(1, -1).every((gap) => gap >= 160 && gap <= 3200)) t.fail(`gaps ${gaps}`);
  }
  t.throws(
    () => drawRandomString([], { fewest: 1, most: 1 }, stream(1, "x")),
    new RangeError("drawRandomString: no clip, expected at least one"),
  );
  t.throws(
    () => drawListedStrings("x", [], 1),
    new RangeError("drawListedStrings: no clip, expected at least one"),
  );
});

t.test("splitDigits keeps held-out recordings and speakers apart", async (t) => {
  const { train, seen, unseen } = splitDigits(CLIPS, ["ann", "bob"], ["cat"], 1);
  t.same([train.length, seen.length, unseen.length], [18, 6, 12]);
  t.ok(train.every(({ index, speaker }) => index >= 1 && speaker !== "cat"));
  t.ok(seen.every(({ index }) => index === 0));
  t.throws(
    () => splitDigits(CLIPS, ["ann", "zoe"], [], 1),
    new RangeError('splitDigits: no recording of speaker "zoe", expected some of ann, bob, cat'),
  );
  t.throws(
    () => splitDigits(CLIPS, ["ann"], ["ann"], 1),
    new RangeError("splitDigits: expected a speaker in one list only, got ann in both"),
  );
});

t.test("digit stages", async (t) => {
  const stages = parseDigitStages("0:1-2 150:1-4 300:3-7");
  const range = (step: number): number[] => {
    const { fewest, most } = digitStage(stages, step);
    return [fewest, most];
  };
  t.same([0, 149, 150, 299, 300, 9999].map(range), [
    [1, 2],
    [1, 2],
    [1, 4],
    [1, 4],
    [3, 7],
    [3, 7],
  ]);
  t.throws(
    () => parseDigitStages("0:3-2"),
    new RangeError("parseDigitStages: expected 1 <= fewest <= most, got 3-2"),
  );
  t.throws(
    () => parseDigitStages("0:1-2 0:1-3"),
    new RangeError("parseDigitStages: stages must begin at 0 and rise, expected >= 1, got 0"),
  );
  t.throws(
    () => parseDigitStages("5:1-2"),
    new RangeError("parseDigitStages: stages must begin at 0 and rise, expected 0, got 5"),
  );
  t.throws(
    () => parseDigitStages("1-2"),
    new RangeError('parseDigitStages: expected "step:fewest-most", got "1-2"'),
  );
});

t.test("joinClips puts exact zeros between clips", async (t) => {
  const wave = joinClips([Float32Array.of(1, 2), Float32Array.of(3)], [1, 2, 3]);
  t.same([...wave], [0, 1, 2, 0, 0, 3, 0, 0, 0]);
  t.throws(
    () => joinClips([wave], [1]),
    new RangeError("joinClips: expected one gap more than waves (2), got 1"),
  );
});
