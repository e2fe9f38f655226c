// The figures of the course by name, each loaded with the packages it needs.
import type { CourseFigure } from "../course-figure.ts";

/** Reads a file of the site, such as "files/asterisk-alnum/wav/hello.wav". */
export type ReadFile = (path: string) => Promise<ArrayBuffer | Uint8Array>;

/** One loader for each figure; one with a recording reads it. */
export const figures: Readonly<Record<string, (read: ReadFile) => Promise<CourseFigure>>> = {
  strides: async () => (await import("./strides.ts")).figure,
  broadcasting: async () => (await import("./broadcasting.ts")).figure,
  "reverse-mode": async () => (await import("./reverse-mode.ts")).figure,
  optimisers: async () => (await import("./optimisers.ts")).figure,
  sound: async (read) => {
    const { RECORDING, soundFigure } = await import("./sound.ts");
    return soundFigure(await read(RECORDING));
  },
  attention: async () => (await import("./attention.ts")).figure,
  "pitch-in-attention": async () => (await import("./pitch-in-attention.ts")).figure,
  ctc: async () => (await import("./ctc.ts")).figure,
  "error-rates": async () => (await import("./error-rates.ts")).figure,
  speed: async () => (await import("./speed.ts")).figure,
};
