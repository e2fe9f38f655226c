// The default tracker on real recordings whose truth comes from elsewhere: frames on which two methods of Praat agree.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PitchTally, trackPitch } from "@echo-ts/audio";
import { readAudio } from "@echo-ts/audio/node";
import t from "tap";
import { fixtures } from "./golden.ts";

/** Hz per 8 ms of each prompt, 0 unvoiced, -1 where the methods differ; praat-prompts.praat beside it made them. */
const TRUTH = JSON.parse(readFileSync(join(fixtures, "praat-prompts.json"), "utf8")) as Record<
  string,
  number[]
>;
const recordings = join(fixtures, "..", "..", "..", "data", "asterisk-alnum", "wav");
const HOP = 128;

t.test("128 prompts, alone and between a second of digital silence", async (t) => {
  const alone = new PitchTally();
  const between = new PitchTally();
  for (const [name, truth] of Object.entries(TRUTH)) {
    const { channels, sampleRate } = await readAudio(join(recordings, `${name}.wav`));
    const samples = channels[0]!;
    const options = { sampleRate, hopLength: HOP, fmin: 70, fmax: 500 };
    const known = [...truth.keys()].filter((i) => truth[i]! >= 0);
    const wanted = known.map((i) => truth[i]!);
    const { f0 } = trackPitch(samples, options);
    t.ok(known.length > 0.9 * truth.length && f0.length === truth.length, `${name}: ${known.length} frames`);
    alone.add(
      wanted,
      known.map((i) => f0[i]!),
    );
    const pad = Math.round(sampleRate / HOP);
    const padded = new Float32Array(samples.length + 2 * pad * HOP);
    padded.set(samples, pad * HOP);
    const inside = trackPitch(padded, options).f0;
    between.add(
      wanted,
      known.map((i) => inside[pad + i]!),
    );
    t.notOk(
      inside.subarray(0, pad - 1).some((hz) => hz > 0),
      `${name}: silence before it`,
    );
    t.notOk(
      inside.subarray(pad + truth.length + 1).some((hz) => hz > 0),
      `${name}: and behind it`,
    );
  }
  // PITCH.md has the figures; Praat's voicing is no more certain than that at the ends of words.
  for (const [name, tally] of Object.entries({ alone, between })) {
    const { ffe, gpe, oa } = tally.score();
    t.ok(
      ffe < 2 && gpe < 0.1 && oa > 97,
      `${name}: FFE ${ffe.toFixed(2)}, GPE ${gpe.toFixed(2)}, OA ${oa.toFixed(2)} %`,
    );
  }
});
