// The last seconds of the microphone, drawn as they come: the wave, below it the mel bands with the pitch over them.

import { pageColor } from "../figure/page-color.ts";
import type { LiveFrames } from "./microphone.ts";
import { bandOf } from "./sound-figure.ts";

/** Frames of 10 ms that are shown. */
const FRAMES = 600;
const BANDS = 64;
/** Height of the wave's strip, pixels of the canvas. */
const WAVE = 72;
/** Samples for each column. */
const HOP = 160;

/** A rolling picture on a canvas of FRAMES x BANDS cells. */
export class LiveView {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #pixels: ImageData;
  readonly #f0 = new Float32Array(FRAMES);
  /** Lowest and highest sample of each column. */
  readonly #wave = new Float32Array(2 * FRAMES);
  #samples = 0;
  #next = 0;
  #waiting = false;
  /** Pitch of the last voiced frames, Hz; 0 before there were any. */
  f0 = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    canvas.width = FRAMES;
    canvas.height = WAVE + BANDS * 3;
    this.#context = canvas.getContext("2d")!;
    this.#pixels = this.#context.createImageData(FRAMES, BANDS);
    this.#pixels.data.fill(255);
  }

  /** Takes samples; they are drawn with the frames that they belong to. */
  pushWave(samples: Float32Array): void {
    for (const sample of samples) {
      const at = 2 * (Math.floor(this.#samples / HOP) % FRAMES);
      const fresh = this.#samples % HOP === 0;
      this.#wave[at] = fresh ? sample : Math.min(this.#wave[at]!, sample);
      this.#wave[at + 1] = fresh ? sample : Math.max(this.#wave[at + 1]!, sample);
      this.#samples++;
    }
  }

  /** Takes frames; they are drawn with the next picture of the screen. */
  push({ normalized, f0, speech }: LiveFrames): void {
    const [bands, count] = normalized.shape as [number, number];
    const { data } = this.#pixels;
    for (let i = 0; i < count; i++) {
      const column = this.#next % FRAMES;
      this.#f0[column] = f0[i]!;
      if (f0[i]! > 0 && speech[i] === 1) this.f0 = this.f0 === 0 ? f0[i]! : 0.9 * this.f0 + 0.1 * f0[i]!;
      for (let band = 0; band < BANDS; band++) {
        const value = normalized.data[i * bands + Math.floor((band * bands) / BANDS)]!;
        const [r, g, b] = viridis((value + 1) / 2);
        const at = 4 * ((BANDS - 1 - band) * FRAMES + column);
        data[at] = r;
        data[at + 1] = g;
        data[at + 2] = b;
        data[at + 3] = 255;
      }
      this.#next++;
    }
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => this.#draw());
  }

  async #draw(): Promise<void> {
    this.#waiting = false;
    const { width, height } = this.#canvas;
    const image = await createImageBitmap(this.#pixels);
    const split = this.#next % FRAMES;
    const context = this.#context;
    context.imageSmoothingEnabled = false;
    context.clearRect(0, 0, width, WAVE);
    context.fillStyle = pageColor("--ours");
    const middle = WAVE / 2;
    for (let x = 0; x < FRAMES; x++) {
      const at = 2 * ((split + x) % FRAMES);
      const [low, high] = [this.#wave[at]!, this.#wave[at + 1]!];
      context.fillRect(x, middle - high * middle, 1, Math.max(1, (high - low) * middle));
    }
    // The oldest column is at the left.
    const mel = height - WAVE;
    context.drawImage(image, split, 0, FRAMES - split, BANDS, 0, WAVE, width - split, mel);
    if (split > 0) context.drawImage(image, 0, 0, split, BANDS, width - split, WAVE, split, mel);
    image.close();
    context.fillStyle = "#ff9d3c";
    for (let x = 0; x < FRAMES; x++) {
      const hz = this.#f0[(split + x) % FRAMES]!;
      if (hz > 0) context.fillRect(x, height - 3 * bandOf(hz, BANDS) - 2, 2, 4);
    }
  }
}

/** Five stops of viridis, for pictures that must be fast. */
const STOPS = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
] as const;

function viridis(share: number): [number, number, number] {
  const place = Math.min(Math.max(share, 0), 1) * (STOPS.length - 1);
  const low = Math.min(Math.floor(place), STOPS.length - 2);
  const [a, b] = [STOPS[low]!, STOPS[low + 1]!];
  const mix = place - low;
  return [0, 1, 2].map((i) => Math.round(a[i]! + mix * (b[i]! - a[i]!))) as [number, number, number];
}
