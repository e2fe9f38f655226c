// Level 3 of the spectrogram: choose a hop and a band, and see the numbers from a frame's spectrum to one value.
import { showElement } from "./element-form.ts";
import type { ExplainedMel, Heard } from "./messages.ts";

/** Products that are written out. */
const SHOWN = 5;

/** Fills `place` with the choice of a value and its arithmetic; it begins with the loudest. */
export function showMelArithmetic(
  place: HTMLElement,
  { mel, bands, hops, sampleRate }: Heard,
  explain: (hop: number, band: number) => Promise<ExplainedMel>,
): void {
  const loudest = mel.reduce((best, value, i) => (value > mel[best]! ? i : best), 0);
  const choices = [
    { name: "hop", most: hops - 1, value: loudest % hops },
    { name: "band", most: bands - 1, value: Math.floor(loudest / hops) },
  ];
  showElement(place, choices, async (hop, band) =>
    linesOf(await explain(hop!, band!), hop!, band!, sampleRate),
  );
}

function linesOf(found: ExplainedMel, hop: number, band: number, sampleRate: number): string[] {
  const { samples, centre, fftSize, under, power, log, mean, spread, value } = found;
  const of = (x: number): string => x.toPrecision(4);
  const less = (x: number): string => (x < 0 ? `+ ${of(-x)}` : `− ${of(x)}`);
  const range = under.length > 0 ? `${of(under[0]!.hz)} to ${of(under.at(-1)!.hz)} Hz` : "no frequency";
  const sum = under.slice(0, SHOWN).map((bin) => `(${of(bin.power)})(${of(bin.weight)})`);
  const rest = under.length > SHOWN ? " + …" : "";
  // A power of 0 has no logarithm, and quiet ones are raised to the floor.
  const own = power > 0 ? Math.log10(power) : Number.NEGATIVE_INFINITY;
  const floored =
    log - own > 0.001 ? `, raised to the floor below the loudest of the recording: ${of(log)}` : "";
  return [
    `Hop ${hop}, band ${band}: ${(centre / sampleRate).toFixed(2)} s, ${range}.`,
    `1. ${samples} samples around sample ${centre} are faded in and out (Hann's window) and filled up with zeros to ${fftSize}; the Fourier transform gives the power at ${fftSize / 2 + 1} frequencies.`,
    `2. The band's filter is a triangle over ${under.length} of them. Power times weight: ${sum.join(" + ")}${rest} = ${of(power)}`,
    `3. Its logarithm, as loudness is heard: log10(${of(power)}) = ${of(own)}${floored}`,
    `4. Less the band's mean over the recording, over the spread of all: (${of(log)} ${less(mean)}) / ${of(spread)} = ${of(value)}. This is the colour in the picture and what the model reads.`,
  ];
}
