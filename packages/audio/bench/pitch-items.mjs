// Items with exact truth for the pitch tracker: voices, tones and noises by formula, in rooms, noise and silence.
// `madeItems(seed, count)` gives the same items for the same seed. Read first: pitch-voice.mjs.
import { drawsOf, gainOf, RATE, utterance } from "./pitch-voice.mjs";

/** Samples between truth frames. */
export const HOP = 128;

/** Gaussian noise of variance 1: white, pink (-3 dB per octave), rumble (-6 dB per octave above 8 to 130 Hz) or hiss. */
function noiseOf(draws, length, colour) {
  const out = Float64Array.from({ length }, () => draws.gauss());
  if (colour === "pink") {
    // One-pole filters a factor of about 3 apart approximate the slope.
    const poles = [0.997, 0.985, 0.95, 0.85, 0.55];
    const states = poles.map(() => 0);
    for (let i = 0; i < length; i++) {
      let sum = 0.2 * out[i];
      poles.forEach((pole, k) => {
        states[k] = pole * states[k] + (1 - pole) * out[i];
        sum += states[k] / Math.sqrt(1 - pole);
      });
      out[i] = sum;
    }
  } else if (colour === "rumble") {
    const pole = 1 - draws.octaves(0.003, 0.05);
    let state = 0;
    for (let i = 0; i < length; i++) out[i] = state = pole * state + out[i];
  } else if (colour === "hiss") {
    for (let i = length - 1; i > 0; i--) out[i] -= out[i - 1];
  }
  let power = 0;
  for (const value of out) power += value * value;
  const scale = 1 / Math.sqrt(power / length + 1e-30);
  return out.map((value) => value * scale);
}

/** Several other voices at once, of variance 1. */
function babble(draws, length) {
  const out = new Float64Array(length);
  for (let k = 0; k < 6; k++) {
    const { samples } = utterance(Math.floor(draws.between(1, 2 ** 31)), length / RATE);
    samples.forEach((value, i) => {
      out[i] += value;
    });
  }
  const power = out.reduce((sum, value) => sum + value * value, 0) / length;
  return out.map((value) => value / Math.sqrt(power + 1e-30));
}

const TIMBRES = {
  sine: (h) => (h === 1 ? 1 : 0),
  saw: (h) => 1 / h,
  square: (h) => (h % 2 ? 1 / h : 0),
  pulses: (h) => (h <= 18 ? 1 : 0),
  missing: (h) => (h >= 3 && h <= 10 ? 1 : 0),
  weakOdd: (h) => (h > 12 ? 0 : (h % 2 ? 0.25 : 1) / Math.sqrt(h)),
  weakerOdd: (h) => (h > 14 ? 0 : (h % 2 ? 0.15 : 1) / h ** 0.7),
  formant: (h, hz) =>
    1 / (1 + ((h * hz - 700) / 150) ** 2) + 0.3 / (1 + ((h * hz - 1600) / 200) ** 2) + 0.02 / h,
};

/** Tones of one timbre with pauses, some of them filled with noise as loud as the tones. */
function tones(draws, seconds) {
  const { between, chance, octaves, gauss } = draws;
  const length = Math.round(seconds * RATE);
  const samples = new Float64Array(length);
  const f0 = new Float64Array(length);
  const name = draws.pick(Object.keys(TIMBRES));
  const timbre = TIMBRES[name];
  const base = octaves(65, 500);
  const depth = draws.pick([0, 0.05, 0.35]);
  const rate = depth === 0.05 ? between(4, 7) : between(0.3, 1.2);
  const noisy = chance(0.3);
  let at = Math.round(between(0.1, 0.3) * RATE);
  while (at < length) {
    const end = Math.min(length, at + Math.round(between(0.15, 0.9) * RATE));
    const from = at;
    const level = gainOf(between(-10, 0));
    const shift = draws.pick([0, 0, between(-0.3, 0.3)]);
    let phase = between(0, 1);
    for (; at < end; at++) {
      const hz = Math.min(600, base * 2 ** (shift + depth * Math.sin((2 * Math.PI * rate * at) / RATE)));
      phase += hz / RATE;
      let sum = 0;
      for (let h = 1; h <= 30 && h * hz < 7600; h++) {
        const amplitude = timbre(h, hz);
        if (amplitude > 0) sum += amplitude * Math.sin(2 * Math.PI * h * phase + 0.7 * h * h);
      }
      const ramp = Math.min(1, (at - from) / 100, (end - at) / 100);
      samples[at] = level * ramp * sum;
      f0[at] = hz;
    }
    const pause = Math.round(between(0.06, 0.5) * RATE);
    const loud = noisy && chance(0.5) ? gainOf(between(-20, 0)) : 0;
    for (let i = 0; i < pause && at < length; i++, at++) samples[at] = loud * gauss();
  }
  return { samples, f0, name };
}

/** Bursts of noise of one colour with pauses: nothing in it is voiced. */
function bursts(draws, seconds) {
  const length = Math.round(seconds * RATE);
  const colour = draws.pick(["white", "pink", "rumble", "hiss"]);
  const samples = noiseOf(draws, length, colour);
  let at = 0;
  while (at < length) {
    const end = at + Math.round(draws.between(0.02, 0.8) * RATE);
    const gain = draws.chance(0.4) ? 0 : gainOf(draws.between(-25, 0));
    for (; at < end && at < length; at++) samples[at] *= gain;
  }
  return { samples, f0: new Float64Array(length), name: colour };
}

/** Second-order high-pass and low-pass at 300 and 3400 Hz, as a telephone. */
function telephone(samples) {
  for (const [kind, hz] of [
    ["high", 300],
    ["low", 3400],
    ["low", 3400],
  ]) {
    const k = Math.tan((Math.PI * hz) / RATE);
    const norm = 1 / (1 + Math.SQRT2 * k + k * k);
    const b0 = kind === "high" ? norm : k * k * norm;
    const b1 = kind === "high" ? -2 * norm : 2 * b0;
    const a1 = 2 * (k * k - 1) * norm;
    const a2 = (1 - Math.SQRT2 * k + k * k) * norm;
    let z1 = 0;
    let z2 = 0;
    for (let i = 0; i < samples.length; i++) {
      const x = samples[i];
      const y = b0 * x + z1;
      z1 = b1 * x - a1 * y + z2;
      z2 = b0 * x - a2 * y;
      samples[i] = y;
    }
  }
}

/** A small room: a few early echoes. A longer tail would stay periodic where the truth says that the voice has ended. */
function room(draws, samples) {
  const dry = samples.slice();
  const strength = gainOf(draws.between(-20, -9));
  for (let k = 1; k <= 6; k++) {
    const delay = Math.round(draws.between(0.001, 0.005) * k * RATE);
    const gain = strength * 0.75 ** k * (draws.chance(0.5) ? 1 : -1);
    for (let i = delay; i < samples.length; i++) samples[i] += gain * dry[i - delay];
  }
}

/** Root mean square over the voiced samples, or over all that is not silent. */
function levelOf(samples, f0) {
  const voiced = f0.some((hz) => hz > 0);
  let power = 0;
  let count = 0;
  samples.forEach((value, i) => {
    if (voiced ? f0[i] > 0 : value !== 0) {
      power += value * value;
      count++;
    }
  });
  return Math.sqrt(power / Math.max(1, count)) + 1e-9;
}

/** One item: { id, kind, noise, snr, samples, sampleRate, hop, f0 } with f0 in Hz at sample i * hop. */
export function madeItem(seed) {
  const draws = drawsOf(seed);
  const { between, chance } = draws;
  const kind = draws.pick([
    "speech",
    "speech",
    "speech",
    "speech",
    "speech",
    "speech",
    "tones",
    "tones",
    "noise",
    "whisper",
  ]);
  const seconds = between(2, 3.5);
  const made =
    kind === "tones"
      ? tones(draws, seconds)
      : kind === "noise"
        ? bursts(draws, seconds)
        : utterance(Math.floor(between(1, 2 ** 31)), seconds, { whisper: kind === "whisper" });
  const { samples, f0 } = made;
  const length = samples.length;
  if (kind === "speech" && chance(0.15)) telephone(samples);
  if (kind !== "tones" && chance(0.2)) room(draws, samples);

  const scale = 1 / levelOf(samples, f0);
  const gain = gainOf(between(-38, -16));
  // The voices of babble are voices: only speech is set before it.
  const noises = ["none", "none", "white", "pink", "pink", "rumble", "hiss"];
  const noise = draws.pick(kind === "speech" ? [...noises, "babble"] : noises);
  // Babble and rumble louder than that bury the voice.
  const levels = noise === "babble" || noise === "rumble" ? [10, 20, 20, 30] : [0, 5, 10, 20, 30, 40, 50];
  const snr = noise === "none" ? Infinity : draws.pick(levels) + between(-2, 2);
  const background =
    noise === "none"
      ? new Float64Array(length)
      : noise === "babble"
        ? babble(draws, length)
        : noiseOf(draws, length, noise);
  const hum = chance(0.08) ? gainOf(between(-50, -38)) : 0;
  const humHz = draws.pick([50, 60]);
  for (let i = 0; i < length; i++) {
    const value = scale * samples[i] + gainOf(-snr) * background[i];
    samples[i] = gain * (value + hum * Math.sin((2 * Math.PI * humHz * i) / RATE));
  }
  if (chance(0.15)) {
    for (let k = 0; k < 4; k++) samples[Math.floor(between(0, length))] += gain * between(-4, 4);
  }
  // Files are often padded with digital silence.
  const padding = chance(0.3) ? [between(0.1, 1.2), between(0.1, 1.2)] : [0, 0];
  const [before, after] = padding.map((part) => Math.round((part * RATE) / HOP) * HOP);
  const padded = new Float32Array(before + length + after);
  // 16 bits, as most files have.
  samples.forEach((value, i) => {
    padded[before + i] = Math.round(32767 * Math.max(-1, Math.min(1, value))) / 32768;
  });
  const truth = new Float64Array(1 + Math.floor(padded.length / HOP));
  for (let i = 0; i * HOP < length; i++) truth[before / HOP + i] = f0[i * HOP];
  return {
    id: `${kind}-${seed}`,
    kind,
    noise,
    snr: Math.round(snr),
    samples: padded,
    sampleRate: RATE,
    hop: HOP,
    f0: truth,
  };
}

/** Items seed, seed + 1, ...; sets with seeds further apart than `count` share none. */
export function madeItems(seed, count) {
  return Array.from({ length: count }, (_, i) => madeItem(seed + i));
}
