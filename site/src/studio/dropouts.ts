// Whether sound of the microphone was lost on its way: what the audio thread skipped, what it posted and did not arrive, and
// whether fewer samples have come than its clock says.
import type { LiveSamples } from "./microphone.ts";

/** Chunks come late by this much without being lost, seconds. */
const TOLERANCE = 0.25;

/** Counts what is missing. */
export class Dropouts {
  readonly #sampleRate: number;
  #begun: number | null = null;
  #received = 0;
  #next = 0;
  #skipped = 0;
  #behind = 0;

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
  }

  push({ samples, first, skipped, clock }: LiveSamples): void {
    this.#skipped += skipped + first - this.#next;
    this.#next = first + samples.length;
    if (this.#begun === null) {
      this.#begun = clock;
      return;
    }
    this.#received += samples.length;
    const expected = (clock - this.#begun) / 1000;
    this.#behind = Math.max(0, expected - this.#received / this.#sampleRate);
  }

  /** Seconds that came. */
  get seconds(): number {
    return this.#received / this.#sampleRate;
  }

  /** Seconds that are missing; 0 while chunks are no more than late. */
  get lost(): number {
    const skipped = this.#skipped / this.#sampleRate;
    return skipped + (this.#behind > TOLERANCE ? Math.max(0, this.#behind - skipped) : 0);
  }

  /** In words. */
  get text(): string {
    return this.lost === 0
      ? `${this.seconds.toFixed(1)} s without a gap`
      : `${this.seconds.toFixed(1)} s came, ${this.lost.toFixed(2)} s are missing; close what else keeps this device busy`;
  }
}
