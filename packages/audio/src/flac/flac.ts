// Whole FLAC files, plain or as the packets of another container. The stream does the work: flac-stream.ts.
import { SampleCollector } from "../files/collector.ts";
import type { Decoded, DecodeJob } from "../files/job.ts";
import { FlacStream } from "./flac-stream.ts";

/** Bytes handed to the stream at once. */
const CHUNK = 1 << 20;

/** Decodes FLAC from its marker `fLaC` on. */
export function decodeFlac(bytes: Uint8Array, job: DecodeJob): Decoded {
  const stream = new FlacStream();
  const samples = new SampleCollector(job.place, job.file, job.maximumSamples);
  for (let at = 0; at < bytes.length; at += CHUNK) {
    for (const block of stream.push(bytes.subarray(at, at + CHUNK)))
      samples.add(block.channels, block.frames);
  }
  for (const block of stream.finish()) samples.add(block.channels, block.frames);
  return { channels: samples.finish(), sampleRate: stream.info?.sampleRate ?? 0, warnings: stream.warnings };
}
