// What is voiced and what is not: noise of many kinds, digital silence, padding; and how sure the tracker is of it.
import { PITCH_METHODS, PitchTally, tone, trackPitch, uniformStream, whiteNoise } from "@echo-ts/audio";
import t from "tap";
import { CONTOURS, pitchSignal, TIMBRES } from "./pitch-signals.ts";

const RATE = 16000;
const judged = { sampleRate: RATE, fmin: 55, fmax: 650, hopLength: 128 };

function voicedFrames(samples: Float32Array, options: object = {}): number {
  return trackPitch(samples, { ...judged, ...options }).voiced.reduce((sum, flag) => sum + flag, 0);
}

/** White noise through one pole: rumble below its corner, -6 dB per octave above. */
function rumble(seed: number, seconds: number, pole: number): Float32Array {
  let state = 0;
  const out = whiteNoise(seed, { seconds, sampleRate: RATE }).map((value) => {
    state = pole * state + value;
    return state;
  });
  const peak = out.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return out.map((value) => (0.5 * value) / peak);
}

/** White noise through two resonances at the same place, as in a fricative. */
function hiss(seed: number, seconds: number, hz: number, width: number): Float32Array {
  const radius = Math.exp((-Math.PI * width) / RATE);
  let out = whiteNoise(seed, { seconds, sampleRate: RATE });
  for (let pass = 0; pass < 2; pass++) {
    let y1 = 0;
    let y2 = 0;
    out = out.map((value) => {
      const y = value + 2 * radius * Math.cos((2 * Math.PI * hz) / RATE) * y1 - radius * radius * y2;
      y2 = y1;
      y1 = y;
      return y;
    });
  }
  const peak = out.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return out.map((value) => (0.5 * value) / peak);
}

const NOISES: Readonly<Record<string, (seconds: number) => Float32Array>> = {
  white: (seconds) => whiteNoise(21, { seconds, sampleRate: RATE }),
  "rumble below 130 Hz": (seconds) => rumble(22, seconds, 0.95),
  "rumble below 13 Hz": (seconds) => rumble(23, seconds, 0.995),
  "hiss at 5.5 kHz": (seconds) => hiss(24, seconds, 5500, 2000),
  "hiss at 3.2 kHz": (seconds) => hiss(25, seconds, 3200, 1600),
  "hiss at 1.5 kHz": (seconds) => hiss(26, seconds, 1500, 1500),
};

t.test("noise is not voiced: steady, in bursts, between digital silence, faint and loud", async (t) => {
  for (const [name, noise] of Object.entries(NOISES)) {
    const steady = noise(2);
    t.equal(voicedFrames(steady), 0, `${name}, steady`);
    const bursts = steady.map((value, i) => value * (i % RATE < RATE / 2 ? 1 : 0.01));
    t.equal(voicedFrames(bursts), 0, `${name}, bursts 40 dB above their pauses`);
    for (const seconds of [0.1, 0.5]) {
      for (const gain of [1, 0.001]) {
        const between = new Float32Array(1.5 * RATE);
        between.set(
          noise(seconds).map((value) => value * gain),
          0.5 * RATE,
        );
        t.equal(voicedFrames(between), 0, `${name}, ${seconds} s between silence, times ${gain}`);
      }
    }
  }
});

t.test("clicks and plosive bursts are not voiced", async (t) => {
  const clicks = new Float32Array(2 * RATE);
  const next = uniformStream(31);
  for (let k = 0; k < 4; k++) clicks[4000 + Math.round(6000 * (k + 0.3 * next()))] = 0.8;
  t.equal(voicedFrames(clicks), 0, "clicks");
  const bursts = new Float32Array(2 * RATE);
  const noise = whiteNoise(32, { seconds: 0.05, sampleRate: RATE });
  for (let k = 0; k < 5; k++) {
    noise.forEach((value, i) => {
      bursts[3000 + 5500 * k + i] = value * Math.exp(-i / 80);
    });
  }
  t.equal(voicedFrames(bursts), 0, "bursts of 5 ms");
});

t.test("every method: digital silence is unvoiced, beside a tone too", async (t) => {
  const samples = new Float32Array(3 * RATE);
  samples.set(tone(210, { seconds: 1, sampleRate: RATE }), RATE);
  for (const method of PITCH_METHODS) {
    for (const hopLength of [100, 128, 160]) {
      const { f0, voiced, times } = trackPitch(samples, { sampleRate: RATE, method, hopLength });
      const silent = [...times.keys()].filter((i) => Math.abs(times[i]! - 1.5) > 0.57);
      const wrong = silent.filter((i) => voiced[i] !== 0 || f0[i] !== 0);
      t.same(wrong, [], `${method}, hop ${hopLength}`);
      t.equal(voiced[Math.round((1.5 * RATE) / hopLength)], 1, `${method}: the tone is voiced`);
    }
  }
});

t.test("digital silence around a recording changes nothing inside it", async (t) => {
  const pad = 125 * 128;
  for (const [snr, seed] of [
    [30, 4],
    [10, 5],
    [5, 6],
  ] as const) {
    const { samples, truth } = pitchSignal(
      "vowel",
      TIMBRES.vowel!,
      CONTOURS.prosody!(130),
      snr,
      "pink",
      seed,
    );
    const alone = trackPitch(samples, judged).f0;
    const padded = new Float32Array(samples.length + 2 * pad);
    padded.set(samples, pad);
    const { f0 } = trackPitch(padded, judged);
    const inside = f0.subarray(125, 125 + alone.length);
    const tally = new PitchTally();
    tally.add(alone, inside);
    t.ok(tally.score().oa >= 97, `SNR ${snr}: ${tally.score().oa.toFixed(1)} % of the frames as without`);
    t.notOk(f0.subarray(0, 120).some((hz) => hz > 0) || f0.subarray(-120).some((hz) => hz > 0), "silence");
    const own = new PitchTally();
    own.add(truth, inside);
    t.ok(own.score().oa > 88, `and right: ${own.score().oa.toFixed(1)} %`);
  }
});

t.test("the probability of voicing comes true", async (t) => {
  const bins = Array.from({ length: 5 }, () => ({ frames: 0, predicted: 0, voiced: 0 }));
  let seed = 100;
  for (const timbre of ["saw", "vowel", "missing", "telephone"]) {
    for (const snr of [15, 5, 0, -3]) {
      const contour = CONTOURS[["steady", "glide", "prosody", "steps"][seed % 4]!]!;
      const signal = pitchSignal(
        timbre,
        TIMBRES[timbre]!,
        contour(110 + 20 * (seed % 7)),
        snr,
        "pink",
        seed++,
      );
      const { probability, voiced } = trackPitch(signal.samples, judged);
      probability.forEach((value, i) => {
        const bin = bins[Math.min(4, Math.floor(value * 5))]!;
        bin.frames++;
        bin.predicted += value;
        bin.voiced += signal.truth[i]! > 0 ? 1 : 0;
        if (!(value >= 0 && value <= 1)) t.fail(`probability ${value}`);
        // The path decides: frames it voices are never thought improbable, and the other way round.
        if (voiced[i] ? value < 0.5 : value > 0.75) t.fail(`frame ${i}: voiced ${voiced[i]} at ${value}`);
      });
    }
  }
  const frames = bins.reduce((sum, bin) => sum + bin.frames, 0);
  const error = bins.reduce((sum, bin) => sum + Math.abs(bin.predicted - bin.voiced), 0) / frames;
  t.ok(error < 0.05, `expected calibration error ${error.toFixed(3)}`);
  for (const { frames, predicted, voiced } of bins.filter((bin) => bin.frames > 60)) {
    t.ok(
      Math.abs(predicted - voiced) / frames < 0.3,
      `${(predicted / frames).toFixed(2)}: ${(voiced / frames).toFixed(2)}`,
    );
  }
});
