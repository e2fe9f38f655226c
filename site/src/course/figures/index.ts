// The figures of the course by name, each loaded with the packages it needs.
import type { CourseFigure } from "../course-figure.ts";

/** One loader for each figure. */
export const figures: Readonly<Record<string, () => Promise<CourseFigure>>> = {
  strides: async () => (await import("./strides.ts")).figure,
  broadcasting: async () => (await import("./broadcasting.ts")).figure,
  "reverse-mode": async () => (await import("./reverse-mode.ts")).figure,
  optimisers: async () => (await import("./optimisers.ts")).figure,
  "pitch-in-attention": async () => (await import("./pitch-in-attention.ts")).figure,
  ctc: async () => (await import("./ctc.ts")).figure,
  "error-rates": async () => (await import("./error-rates.ts")).figure,
};
