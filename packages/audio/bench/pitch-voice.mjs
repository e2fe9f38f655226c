// A voice made by formula for the tracker's training items: glottal source, formants, consonants, breath, pauses.
// Every item comes from its seed alone; no recording is in it. Read next: pitch-items.mjs.
import { uniformStream } from "@echo-ts/audio";

export const RATE = 16000;
/** A voice that starts or ends counts as voiced above this share of its amplitude. */
const VOICED_SHARE = 0.15;
/** The filters are set anew after so many samples. */
const BLOCK = 80;

/** Random draws of one item. */
export function drawsOf(seed) {
  const next = uniformStream(seed);
  const between = (low, high) => low + (high - low) * next();
  return {
    next,
    between,
    /** Evenly spread over octaves. */
    octaves: (low, high) => low * 2 ** between(0, Math.log2(high / low)),
    pick: (list) => list[Math.floor(next() * list.length)],
    chance: (share) => next() < share,
    gauss: () => Math.sqrt(-2 * Math.log(next() + 1e-12)) * Math.cos(2 * Math.PI * next()),
  };
}

/** dB to amplitude. */
export const gainOf = (decibels) => 10 ** (decibels / 20);

/** First three formants of vowels of a man's tract, Hz. */
const VOWELS = [
  [300, 2250, 2950],
  [400, 1950, 2550],
  [550, 1750, 2450],
  [690, 1650, 2400],
  [730, 1100, 2440],
  [570, 850, 2400],
  [440, 1020, 2240],
  [320, 870, 2240],
  [500, 1350, 1700],
];
const NASAL = [250, 1100, 2200];
const VOICE_BAR = [220, 1000, 2200];

/** Noise of unvoiced fricatives: centre in Hz, width in Hz, level in dB against the vowels. */
const FRICATIVES = [
  { centre: 5800, width: 2500, level: [-16, -6] },
  { centre: 3200, width: 1600, level: [-14, -4] },
  { centre: 4500, width: 6000, level: [-30, -18] },
  { centre: 1500, width: 3000, level: [-28, -16] },
];

/**
 * What happens when: segments { seconds, voice, bar, noise, formants } with voice and noise as amplitudes.
 * A phrase is a few syllables: at most two consonants around a vowel.
 */
function planOf(draws, seconds) {
  const { between, chance, pick } = draws;
  const plan = [{ seconds: between(0.15, 0.4), voice: 0 }];
  let total = plan[0].seconds;
  const add = (segment) => {
    plan.push(segment);
    total += segment.seconds;
  };
  const fricative = () => {
    const { centre, width, level } = pick(FRICATIVES);
    const noise = gainOf(between(...level));
    add({ seconds: between(0.05, 0.18), voice: 0, noise, centre: centre * between(0.85, 1.15), width });
  };
  const stop = (vowel) => {
    const voicedStop = chance(0.35);
    const closure = between(0.04, 0.1);
    add({
      seconds: closure,
      voice: voicedStop ? gainOf(between(-19, -10)) : 0,
      formants: VOICE_BAR,
      dull: 1,
    });
    const burst = gainOf(between(-22, -6));
    add({ seconds: between(0.004, 0.014), voice: 0, noise: burst, centre: between(700, 4500), width: 1500 });
    if (!voicedStop) {
      const breath = gainOf(between(-32, -18));
      add({ seconds: between(0.01, 0.07), voice: 0, noise: breath, centre: vowel[1], width: 1800 });
    }
  };
  const consonant = (vowel) => {
    const kind = draws.next();
    if (kind < 0.3) fricative();
    else if (kind < 0.6) stop(vowel);
    else if (kind < 0.75)
      add({ seconds: between(0.05, 0.1), voice: gainOf(between(-10, -3)), formants: NASAL });
    else if (kind < 0.88) {
      // A voiced fricative: weak voice under noise.
      const { centre, width } = pick(FRICATIVES);
      const voice = gainOf(between(-18, -8));
      add({
        seconds: between(0.05, 0.1),
        voice,
        formants: VOICE_BAR,
        noise: voice * between(0.1, 0.5),
        centre,
        width,
      });
    } else add({ seconds: between(0.05, 0.09), voice: gainOf(between(-7, -2)), formants: pick(VOWELS) });
  };
  while (total < seconds - 0.4) {
    const syllables = 1 + Math.floor(between(0, 5));
    const phrase = between(-10, 0);
    for (let i = 0; i < syllables && total < seconds - 0.3; i++) {
      const vowel = pick(VOWELS);
      if (chance(0.75)) consonant(vowel);
      const level = gainOf(phrase + between(-7, 0) - (i === syllables - 1 ? between(0, 5) : 0));
      add({ seconds: between(0.06, 0.26), voice: level, formants: vowel, breathy: chance(0.15) });
      if (chance(0.35)) consonant(vowel);
    }
    const pause = between(0.08, 0.6);
    // Breath is taken in some pauses.
    const breath = chance(0.25) ? gainOf(between(-42, -26)) : 0;
    add({ seconds: pause, voice: 0, noise: breath, centre: between(1000, 2500), width: 2500, pause: true });
  }
  return plan;
}

/** Two-pole resonator whose gain at 0 Hz is 1. */
class Resonator {
  #a = 0;
  #b = 0;
  #c = 0;
  #y1 = 0;
  #y2 = 0;

  tune(hz, width) {
    const radius = Math.exp((-Math.PI * width) / RATE);
    this.#c = -radius * radius;
    this.#b = 2 * radius * Math.cos((2 * Math.PI * hz) / RATE);
    this.#a = 1 - this.#b - this.#c;
  }

  run(x) {
    const y = this.#a * x + this.#b * this.#y1 + this.#c * this.#y2;
    this.#y2 = this.#y1;
    this.#y1 = y;
    return y;
  }
}

/** Noise of variance about 1 in a band, one sample at a time. */
class NoiseBand {
  #resonators = [new Resonator(), new Resonator()];
  #scale = 1;
  #before = 0;

  tune(centre, width) {
    for (const resonator of this.#resonators) resonator.tune(Math.min(centre, 7000), width);
    // Gain of two resonators at their centre, against that at 0 Hz, and the differencing at the centre.
    const radius = Math.exp((-Math.PI * width) / RATE);
    const angle = (2 * Math.PI * Math.min(centre, 7000)) / RATE;
    const peak =
      (1 - 2 * radius * Math.cos(angle) + radius * radius) /
      ((1 - radius) * 2 * Math.abs(Math.sin(angle)) + 1e-3);
    this.#scale = 1 / (peak * peak * 2 * Math.sin(angle / 2) * Math.sqrt(Math.min(1, (2 * width) / RATE)));
  }

  run(x) {
    const y = this.#resonators[1].run(this.#resonators[0].run(x));
    const out = (y - this.#before) * this.#scale;
    this.#before = y;
    return out;
  }
}

/**
 * An utterance of `seconds`: { samples, f0 } with f0 in Hz at every sample, 0 where the source is silent.
 * `whisper` replaces the source by noise, so that nothing is voiced.
 */
export function utterance(seed, seconds, { whisper = false } = {}) {
  const draws = drawsOf(seed);
  const { between, chance, octaves, gauss } = draws;
  const length = Math.round(seconds * RATE);
  const samples = new Float64Array(length);
  const f0 = new Float64Array(length);

  const [low, high, tract] = draws.pick([
    [75, 150, 1],
    [140, 270, 1.16],
    [200, 380, 1.32],
  ]);
  const base = octaves(low, high);
  const tilt = between(0.5, 1.3);
  const jitter = octaves(0.003, 0.024);
  const shimmer = octaves(0.015, 0.12);
  const breathiness = gainOf(between(-30, -8));
  const accent = between(0.05, 0.3);
  const rate = between(0.5, 1.6);
  const start = between(0, 6);
  const creaky = chance(0.15);

  const plan = planOf(draws, seconds);
  const formants = [500, 1500, 2500].map((hz) => hz * tract);
  const filters = [0, 1, 2, 3, 4].map(() => new Resonator());
  const hiss = new NoiseBand();
  let voice = 0;
  let noise = 0;
  let dull = 0;
  let phase = 0;
  let stretch = 1;
  let loud = 1;
  let phraseStart = 0;
  let at = 0;
  let target = VOWELS[4];
  for (const segment of plan) {
    const end = Math.min(length, at + Math.round(segment.seconds * RATE));
    if (segment.formants) target = segment.formants;
    if (segment.noise) hiss.tune(segment.centre, segment.width);
    if (segment.pause) phraseStart = end;
    const wantNoise = segment.noise ?? 0;
    // Voices start within 4 to 12 ms and die away within 12 to 40 ms, bursts start at once.
    const begin = at;
    const from = voice;
    const to = segment.voice;
    const ramp = RATE * (to > from ? between(0.004, 0.012) : between(0.012, 0.04));
    const noiseRamp = Math.exp(-1 / (RATE * (segment.seconds < 0.02 ? 0.0005 : 0.006)));
    const breath = segment.breathy ? 3 * breathiness : breathiness;
    for (; at < end; at++) {
      if (at % BLOCK === 0) {
        for (let k = 0; k < 3; k++) formants[k] += 0.2 * (target[k] * tract - formants[k]);
        filters.forEach((filter, k) => {
          const hz = k < 3 ? formants[k] : (k === 3 ? 3500 : 4500) * tract;
          // With open folds the resonances are about twice as wide.
          filter.tune(Math.min(hz, 7200), (50 + hz * 0.04) * (whisper ? 2 : 1));
        });
        dull += 0.3 * ((segment.dull ?? 0) - dull);
      }
      voice = from + (to - from) * Math.min(1, (at - begin) / ramp);
      noise = wantNoise + (noise - wantNoise) * noiseRamp;
      const time = at / RATE;
      const phrase = Math.max(0, time - phraseStart / RATE);
      let hz = base * 2 ** (accent * Math.sin(2 * Math.PI * rate * time + start) - 0.12 * phrase);
      // Some voices creak where they fade: lower and less regular.
      const creak = creaky && to === 0;
      if (creak) hz *= 0.75;
      const before = phase;
      phase += (hz * stretch) / RATE;
      if (Math.floor(phase) > Math.floor(before)) {
        stretch = 1 + jitter * (creak ? 4 : 1) * gauss();
        loud = 1 + shimmer * (creak ? 4 : 1) * gauss();
      }
      let source = 0;
      if (voice > 1e-4) {
        const flow = whisper ? 0 : harmonicSum(phase - Math.floor(phase), hz, tilt + dull);
        // Breath is loudest while the folds are open.
        const open = 0.3 + 0.7 * Math.sin(Math.PI * (phase - Math.floor(phase))) ** 2;
        source = voice * (loud * flow + (whisper ? 0.3 : breath * open) * gauss());
        if (!whisper && voice > VOICED_SHARE * Math.max(from, to)) f0[at] = hz;
      }
      let out = source;
      for (const filter of filters) out = filter.run(out);
      if (noise > 1e-5) out += noise * 0.6 * hiss.run(gauss());
      samples[at] = out;
    }
  }
  return { samples, f0 };
}

/** At most 255 harmonics below 7.6 kHz with amplitude 1 / h ^ tilt, by Chebyshev's recurrence; a pulse train for tilt 0. */
function harmonicSum(phase, hz, tilt) {
  const count = Math.min(255, Math.floor(7600 / hz));
  const angle = 2 * Math.PI * phase;
  const twice = 2 * Math.cos(angle);
  const table = amplitudesOf(tilt);
  let before = 0;
  let sine = Math.sin(angle);
  let sum = 0;
  for (let h = 1; h <= count; h++) {
    sum += table[h] * sine;
    const next = twice * sine - before;
    before = sine;
    sine = next;
  }
  return sum;
}

const amplitudeTables = new Map();

/** 1 / h ^ tilt for h = 0 ... 255, by hundredths of tilt. */
function amplitudesOf(tilt) {
  const key = Math.round(100 * tilt);
  let table = amplitudeTables.get(key);
  if (table === undefined) {
    table = Float64Array.from({ length: 256 }, (_, h) => (h === 0 ? 0 : h ** (-key / 100)));
    amplitudeTables.set(key, table);
  }
  return table;
}
