// vRoPE at work: how similar the rotary vectors of two positions are by their distance, for a fixed base beside the base
// that a pitch chooses; the first pairs as clock hands along the utterance; what the pitch bias adds. All numbers come from
// echo-model's own functions. Read next: rotary-figures.ts.
import { resolveConfig } from "@echo-ts/echo-model";
import { thetaFromPitch } from "@echo-ts/echo-model/model";
import { choiceOf, slider } from "./controls.ts";
import { BandFigures, BiasFigures, ClockFigure } from "./rotary-figures.ts";

const { rotary } = resolveConfig().model;
/** Hops of 10 ms per frame of the encoder. */
const STRIDE = 4;
/** Positions of the figures without an utterance: 4 s. */
const POSITIONS = 100;

/** Place of the microphone among the sources of pitch. */
const LIVE = 2;

/** The section on position and pitch. */
export class RotaryLab {
  readonly #theta = slider({
    name: "Fixed base θ",
    min: 2,
    max: 4.5,
    step: 0.01,
    value: Math.log10(rotary.theta),
    show: (value) => Math.round(10 ** value).toLocaleString("en"),
  });
  readonly #f0 = slider({
    name: "Pitch f0",
    min: rotary.minPitchHz,
    max: rotary.maxPitchHz,
    step: 1,
    value: 180,
    show: (value) => `${Math.round(value)} Hz`,
  });
  readonly #scale = slider({
    name: "Scale of the pitch bias",
    min: 0.1,
    max: 5,
    step: 0.1,
    value: rotary.pitchScale,
    show: (value) => value.toFixed(1),
  });
  readonly #width = choiceOf("Width of a head", ["32, as in this model", "64", "128"]);
  readonly #source = choiceOf("The pitch is", [
    "the slider's",
    "the recording's, frame by frame",
    "mine, from the microphone",
  ]);
  readonly #state = document.createElement("p");
  readonly #bands: BandFigures;
  readonly #clocks: ClockFigure;
  readonly #bias: BiasFigures;
  #f0Track: Float64Array = new Float64Array(0);
  #secondsPerFrame = 0.04;
  #waiting = false;
  #heardLive = false;

  constructor(place: HTMLElement) {
    const text = document.createElement("p");
    text.textContent =
      "A rotary encoding turns each pair of channels by an angle that grows with the position. Positions whose angles are alike look alike: a band around the diagonal. A fixed base gives one band for everybody; with vRoPE the speaker's pitch chooses the base, so the band is another one for each voice. Drag f0 and watch it.";
    const controls = document.createElement("div");
    controls.className = "row";
    controls.append(this.#theta.label, this.#f0.label, this.#width.label, this.#source.label);
    this.#state.setAttribute("role", "status");
    this.#state.id = "band-widths";
    place.append(text, controls, this.#state);
    this.#bands = new BandFigures(place);
    this.#clocks = new ClockFigure(place);
    const bias = document.createElement("div");
    bias.className = "row";
    bias.append(this.#scale.label);
    place.append(bias);
    this.#bias = new BiasFigures(place);
    for (const { input } of [this.#theta, this.#f0, this.#scale])
      input.addEventListener("input", () => this.#update());
    for (const { select } of [this.#width, this.#source])
      select.addEventListener("change", () => this.#update());
  }

  /** The pitch of the recording on the page; f0 in Hz per hop, 0 = unvoiced. */
  setUtterance(f0: Float32Array, hopSeconds: number): void {
    const frames = Math.ceil(f0.length / STRIDE);
    this.#f0Track = Float64Array.from({ length: frames }, (_, i) => f0[Math.min(i * STRIDE, f0.length - 1)]!);
    this.#secondsPerFrame = STRIDE * hopSeconds;
    const voiced = this.#f0Track.filter((hz) => hz > 0);
    if (voiced.length > 0) this.#setPitch(voiced.reduce((sum, hz) => sum + hz, 0) / voiced.length);
    this.#update();
  }

  /** From now on the microphone's pitch moves the band. */
  followMicrophone(): void {
    this.#source.select.selectedIndex = LIVE;
    this.#update();
  }

  /** The pitch of who is speaking now; it counts while it is what the visitor chose. */
  setLivePitch(hz: number): void {
    this.#heardLive = true;
    if (this.#source.select.selectedIndex !== LIVE) return;
    if (Math.abs(hz - Number(this.#f0.input.value)) < 1) return;
    this.#setPitch(hz);
    this.#update();
  }

  #setPitch(hz: number): void {
    this.#f0.input.value = String(Math.round(hz));
    this.#f0.input.dispatchEvent(new Event("echo-shown"));
  }

  #update(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      this.#draw();
    });
  }

  #draw(): void {
    const theta = 10 ** Number(this.#theta.input.value);
    const hz = Number(this.#f0.input.value);
    const follow = this.#source.select.selectedIndex === 1 && this.#f0Track.length > 1;
    const pairs = (Number.parseInt(this.#width.select.value, 10) || 32) / 2;
    const { fixed, pitched } = this.#bands.show({
      theta,
      hz,
      pairs,
      rotary,
      positions: follow ? this.#f0Track.length : POSITIONS,
      track: follow ? this.#f0Track : null,
      secondsPerFrame: this.#secondsPerFrame,
    });
    const frames = (width: number | null): string =>
      width === null
        ? "wider than the picture"
        : `${width} frames (${(width * this.#secondsPerFrame).toFixed(2)} s)`;
    this.#state.textContent = `Width of the band, where the similarity falls below one half: ${frames(fixed)} with θ = ${Math.round(theta)}, ${frames(pitched)} at ${Math.round(hz)} Hz, where θ = ${Math.round(thetaFromPitch(hz, rotary))}.${this.#source.select.selectedIndex === LIVE && !this.#heardLive ? " Press “Use the microphone” in section 1 and speak." : ""}`;
    const track = this.#f0Track.length > 1 ? this.#f0Track : new Float64Array(POSITIONS).fill(hz);
    this.#clocks.show({ theta, track, pairs, rotary, secondsPerFrame: this.#secondsPerFrame });
    this.#bias.show(track, Number(this.#scale.input.value), this.#secondsPerFrame);
  }
}
