// Batches of data. Reading order: batches, loader, collate.

export { type BatchOptions, planEpoch } from "./batches.ts";
export {
  lengthMask,
  type PaddedBatch,
  type PadSequencesOptions,
  type PadStackOptions,
  padSequences,
  padStack,
} from "./collate.ts";
export { DataLoader, type DataLoaderOptions, type Dataset, type LoaderState } from "./loader.ts";
