// Reports of trackers that heard a multiple of the period, or a voice in noise, each with the value that is right.
import { readFileSync } from "node:fs";
import { decodeWav, harmonics, trackPitch, whiteNoise } from "@echo-ts/audio";
import t, { type Test } from "tap";
import { sharedPath, skipWithoutShared } from "../shared-material.ts";

const RATE = 16000;
const synth = { seconds: 0.8, sampleRate: RATE, amplitude: 0.03 };

/** Amplitudes 1 for harmonics `from` ... `to`, 0 below. */
function equalHarmonics(from: number, to: number): number[] {
  return Array.from({ length: to }, (_, i) => (i + 1 >= from ? 1 : 0));
}

/** Every frame but those at the ends must be voiced and within `cents` of `hz`. */
function checkTone(t: Test, samples: Float32Array, options: object, hz: number, cents: number): void {
  const { f0 } = trackPitch(samples, { sampleRate: RATE, ...options });
  const worst = Math.max(...[...f0.subarray(6, -6)].map((got) => Math.abs(1200 * Math.log2(got / hz))));
  t.ok(worst <= cents, `${hz} Hz: within ${worst.toFixed(2)} of ${cents} cents`);
}

t.test("strong high harmonics do not hide the period behind its multiples", async (t) => {
  // MTG/essentia#893: pulses at 410 Hz came out at 205; harmonics 3 to 10 of 480 Hz at 160.
  for (const hz of [101, 163, 271, 333, 410, 480, 521, 599]) {
    checkTone(t, harmonics(hz, equalHarmonics(1, 18), synth), {}, hz, 4);
    checkTone(t, harmonics(hz, equalHarmonics(3, 10), synth), {}, hz, 4);
  }
});

t.test("a high saw is not heard an octave low when the range is wide", async (t) => {
  // cwilso/PitchDetect#11: 932 Hz at 44.1 kHz came out at 466 with fmax 2200.
  for (const hz of [932.33, 1174.66, 1567.98]) {
    const saw = Array.from({ length: 30 }, (_, i) => 1 / (i + 1));
    const samples = harmonics(hz, saw, { ...synth, sampleRate: 44100 });
    checkTone(t, samples, { sampleRate: 44100, fmin: 60, fmax: 2200 }, hz, 5);
  }
});

t.test("noise between digital silence is not voiced", async (t) => {
  // marl/crepe#60, mmorise/World#105.
  for (const seconds of [0.1, 0.5]) {
    const samples = new Float32Array(1.5 * RATE);
    samples.set(whiteNoise(11, { seconds, sampleRate: RATE, amplitude: 0.2 }), 0.5 * RATE);
    t.notOk(trackPitch(samples, { sampleRate: RATE }).voiced.includes(1), `${seconds} s`);
  }
});

t.test("the recordings of those reports", { skip: skipWithoutShared }, async (t) => {
  const cases: readonly [name: string, hz: number, options: object][] = [
    ["noise-between-silence", 0, {}],
    ["pulse-410", 410, {}],
    ["missing-480", 480, {}],
    ["saw-932", 932.3, { fmin: 60, fmax: 2200 }],
  ];
  for (const [name, hz, options] of cases) {
    const { channels, sampleRate } = decodeWav(readFileSync(sharedPath("cases", "audio", `${name}.wav`)));
    const { f0, voiced } = trackPitch(channels[0]!, { sampleRate, ...options });
    if (hz === 0) t.notOk(voiced.includes(1), `${name}: nothing is voiced`);
    else {
      const median = [...f0].sort((a, b) => a - b)[f0.length >> 1]!;
      t.ok(Math.abs(1200 * Math.log2(median / hz)) < 5, `${name}: ${median} Hz, expected ${hz}`);
    }
  }
});
