// Collects decoded blocks into whole channels, without trusting any length from a header.
import { AudioError } from "../errors.ts";

/** Values over all channels that one file may give when nothing else is asked for: 2 GiB of float32. */
export const MOST_SAMPLES: number = 2 ** 29;

/** One array per channel that grows as blocks arrive. */
export class SampleCollector {
  readonly #place: string;
  readonly #file: string | undefined;
  readonly #most: number;
  #channels: Float32Array[] = [];
  /** Samples per channel so far. */
  frames = 0;

  /** `most` values over all channels are taken; more are refused, naming `place` ("a.flac: "). */
  constructor(place: string, file: string | undefined, most: number) {
    this.#place = place;
    this.#file = file;
    this.#most = most;
  }

  /** Adds `frames` samples of each channel. */
  add(channels: readonly Float32Array[], frames: number): void {
    const end = this.frames + frames;
    if (end * channels.length > this.#most) throw tooLong(this.#place, this.#file, this.#most);
    if (this.#channels.length === 0)
      this.#channels = channels.map(() => new Float32Array(Math.max(65536, frames)));
    for (const [c, channel] of channels.entries()) {
      let whole = this.#channels[c]!;
      if (end > whole.length) {
        whole = new Float32Array(Math.min(2 * end, Math.floor(this.#most / channels.length)));
        whole.set(this.#channels[c]!.subarray(0, this.frames));
        this.#channels[c] = whole;
      }
      whole.set(frames === channel.length ? channel : channel.subarray(0, frames), this.frames);
    }
    this.frames = end;
  }

  /** The channels, without the samples before `from` and from `to` on. */
  finish(from = 0, to: number = this.frames): Float32Array[] {
    return this.#channels.map((channel) => channel.slice(from, Math.max(from, to)));
  }
}

/** The refusal of a file that would unpack to more than the limit. */
export function tooLong(place: string, file: string | undefined, most: number): AudioError {
  return new AudioError(
    `decodeAudio: ${place}the file unpacks to more than ${most} samples; if it is right, raise maximumSamples`,
    { reason: "format", file },
  );
}
