// A spectrogram with the pitch track over it, of a real recording: in the terminal, as PNG and as SVG.
//   node examples/dist/spectrogram.js [file.wav] [--out folder] [--columns 100]
// Without a file: "eleven" from data/asterisk-alnum (Allison Smith, CC BY-SA 3.0), then a chirp of an octave a second.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  chirp,
  type FloatArray,
  hzToMel,
  melSpectrogram,
  melToHz,
  powerToDb,
  trackPitch,
} from "@echo-ts/audio";
import { readAudio } from "@echo-ts/audio/node";
import { encode } from "fast-png";

const SAMPLE_RATE = 16000;
const HOP = 128; // 8 ms
const BANDS = 96;
const TOP_HZ = 4000;
const RANGE_DB = 60;
const SHADES = " .:-=+*#%@";

const root: string = join(fileURLToPath(import.meta.url), "..", "..", "..");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: "string", default: join(root, "out", "spectrogram") },
    columns: { type: "string", default: "100" },
  },
});

/** Loudness of each mel band in each frame, 0 ... 1 over the top 60 dB, and f0 per frame (0: unvoiced). */
function analyse(signal: Float32Array): { shade: FloatArray; f0: Float32Array } {
  const mel = melSpectrogram(signal, {
    sampleRate: SAMPLE_RATE,
    fftSize: 512, // 32 ms
    hopLength: HOP,
    melBins: BANDS,
    fmin: 50,
    fmax: TOP_HZ,
    melScale: "htk",
    melNorm: "none",
  });
  const shade = powerToDb(mel, { reference: "max", topDb: RANGE_DB });
  for (let i = 0; i < shade.data.length; i++) shade.data[i] = 1 + shade.data[i]! / RANGE_DB;
  const { f0 } = trackPitch(signal, { sampleRate: SAMPLE_RATE, hopLength: HOP, fmin: 60, fmax: 600 });
  return { shade, f0 };
}

const lowMel: number = hzToMel(50, "htk");
const melPerBand: number = (hzToMel(TOP_HZ, "htk") - lowMel) / (BANDS + 1);
/** The band, counted from the bottom, whose centre is nearest to a frequency. */
const bandOf = (hz: number): number => (hzToMel(hz, "htk") - lowMel) / melPerBand - 1;

/** Four bands per text row; `o` marks the pitch. */
function draw({ shade, f0 }: ReturnType<typeof analyse>, columns: number): string {
  const frames = shade.shape[1]!;
  const width = Math.min(columns, frames);
  const rows: string[] = [];
  for (let top = BANDS - 1; top > 0; top -= 4) {
    let row = `${melToHz(lowMel + melPerBand * (top - 1), "htk")
      .toFixed(0)
      .padStart(5)} Hz `;
    for (let x = 0; x < width; x++) {
      const from = Math.floor((x * frames) / width);
      const to = Math.max(from + 1, Math.floor(((x + 1) * frames) / width));
      let loudest = 0;
      let pitch = false;
      for (let f = from; f < to; f++) {
        for (let band = top; band > top - 4 && band >= 0; band--)
          loudest = Math.max(loudest, shade.get(band, f));
        const at = f0[f]! > 0 ? bandOf(f0[f]!) : -1;
        pitch ||= at <= top && at > top - 4 && at >= 0;
      }
      row += pitch ? "o" : SHADES[Math.min(SHADES.length - 1, Math.floor(loudest * SHADES.length))];
    }
    rows.push(row);
  }
  return rows.join("\n");
}

const PIXEL = 4; // screen pixels per band and per frame

/** Dark violet to yellow; `x` from 0 to 1. */
function colour(x: number): [number, number, number] {
  const red = Math.min(1, 0.08 + 1.5 * x ** 1.2);
  const green = x ** 1.8;
  const blue = Math.max(0, 0.15 + 0.55 * Math.sin(Math.PI * Math.min(1, 1.25 * x)) - 0.1 * x);
  return [Math.round(255 * red), Math.round(255 * green), Math.round(255 * blue)];
}

/** The spectrogram as a PNG, low bands at the bottom; the pitch, when asked for, in white. */
function png({ shade, f0 }: ReturnType<typeof analyse>, withPitch: boolean): Uint8Array {
  const width = PIXEL * shade.shape[1]!;
  const height = PIXEL * BANDS;
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const frame = Math.floor(x / PIXEL);
      const band = BANDS - 1 - Math.floor(y / PIXEL);
      const pitch = withPitch && f0[frame]! > 0 && Math.round(bandOf(f0[frame]!)) === band;
      data.set(pitch ? [255, 255, 255] : colour(shade.get(band, frame)), 3 * (y * width + x));
    }
  }
  return encode({ width, height, data, channels: 3 });
}

/** The same picture as SVG: the PNG inside, the pitch as lines, axes in seconds and Hz. */
function svg(picture: ReturnType<typeof analyse>, title: string): string {
  const { shade, f0 } = picture;
  const width = PIXEL * shade.shape[1]!;
  const height = PIXEL * BANDS;
  const yOf = (hz: number) => (height - PIXEL * (bandOf(hz) + 0.5)).toFixed(1);
  const lines: string[] = [];
  let points: string[] = [];
  for (let f = 0; f <= f0.length; f++) {
    if (f < f0.length && f0[f]! > 0) points.push(`${PIXEL * (f + 0.5)},${yOf(f0[f]!)}`);
    else {
      if (points.length > 1) lines.push(`<polyline points="${points.join(" ")}"/>`);
      points = [];
    }
  }
  const hertz = [100, 200, 500, 1000, 2000, 3000].map(
    (hz) => `<text x="-8" y="${yOf(hz)}" text-anchor="end" dominant-baseline="middle">${hz} Hz</text>`,
  );
  const seconds = Array.from({ length: 1 + Math.floor((f0.length * HOP) / SAMPLE_RATE / 0.1) }, (_, i) => {
    const x = (PIXEL * i * 0.1 * SAMPLE_RATE) / HOP;
    return `<text x="${x}" y="${height + 20}" text-anchor="middle">${(i * 0.1).toFixed(1)}</text>`;
  });
  const image = Buffer.from(png(picture, false)).toString("base64");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-70 -30 ${width + 90} ${height + 70}" font-family="sans-serif" font-size="13">
<title>${title}</title>
<image width="${width}" height="${height}" href="data:image/png;base64,${image}"/>
<g fill="none" stroke="white" stroke-width="3" stroke-linejoin="round">${lines.join("")}</g>
<text x="0" y="-10">${title}</text>
${hertz.join("")}
${seconds.join("")}
<text x="${width / 2}" y="${height + 38}" text-anchor="middle">seconds</text>
</svg>
`;
}

function show(name: string, title: string, signal: Float32Array): Float32Array {
  const picture = analyse(signal);
  console.log(`\n${title}\n${draw(picture, Number(values.columns))}`);
  mkdirSync(values.out, { recursive: true });
  writeFileSync(join(values.out, `${name}.png`), png(picture, true));
  writeFileSync(join(values.out, `${name}.svg`), svg(picture, title));
  console.log(`written: ${join(values.out, name)}.png and .svg`);
  return picture.f0;
}

const path: string = positionals[0] ?? join(root, "data", "asterisk-alnum", "wav", "digits-11.wav");
const { channels } = await readAudio(path, { mono: true, sampleRate: SAMPLE_RATE });
show("recording", positionals[0] ?? "eleven (Allison Smith, CC BY-SA 3.0)", channels[0]!);

if (!positionals[0]) {
  const glide = chirp(110, 440, { seconds: 2, sampleRate: SAMPLE_RATE });
  const f0 = show("chirp", "a chirp of an octave a second", glide);
  const at = (seconds: number) => f0[Math.round((seconds * SAMPLE_RATE) / HOP)]!;
  const ratio = (at(1.5) / at(0.5)).toFixed(2);
  console.log(
    `chirp: f0 is ${at(0.5).toFixed(0)} Hz at 0.5 s and ${at(1.5).toFixed(0)} Hz at 1.5 s, a factor of ${ratio}`,
  );
}
