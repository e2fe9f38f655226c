// Ogg files by what is in them: Opus and FLAC packet by packet, Vorbis by stb_vorbis (the package stb-vorbis).
import { decodeFlac } from "../flac/flac.ts";
import type { Decoded, DecodeJob } from "./job.ts";
import { hasText } from "./job.ts";
import { joined, OggStream } from "./ogg.ts";
import { decodeOpus } from "./opus.ts";

/** Decodes an Ogg file. */
export async function decodeOgg(bytes: Uint8Array, job: DecodeJob): Promise<Decoded> {
  const stream = new OggStream();
  const packets = stream.push(bytes);
  const warnings = stream.finish();
  const first = packets[0]?.data;
  if (!first) {
    const known = ["OpusHead", "\u007fFLAC", "\u0001vorbis"].some((text) =>
      hasText(bytes, 27 + (bytes[26] ?? 0), text),
    );
    throw new Error(known ? "no whole page is in it" : "neither Vorbis, Opus nor FLAC is in it");
  }
  let decoded: Decoded;
  if (hasText(first, 0, "OpusHead")) decoded = await decodeOpus(first, packets.slice(2), job);
  else if (hasText(first, 0, "\u007fFLAC")) {
    // Behind nine bytes of its own the first packet goes on as a plain FLAC file, and the others follow.
    const rest = packets.slice(1).map((packet) => packet.data);
    decoded = decodeFlac(joined([first.subarray(9), ...rest]), job);
  } else if (hasText(first, 0, "\u0001vorbis")) {
    const granules = packets.map((packet) => packet.granule).filter((granule) => granule !== undefined);
    decoded = await decodeVorbis(bytes, granules.at(-1) ?? 0);
  } else throw new Error("neither Vorbis, Opus nor FLAC is in it");
  return { ...decoded, warnings: [...warnings, ...decoded.warnings] };
}

/** A whole Ogg Vorbis file; `granule` is the number of samples that its last page announces. */
async function decodeVorbis(bytes: Uint8Array, granule: number): Promise<Decoded> {
  const { StbVorbis } = await import("stb-vorbis");
  await StbVorbis.ready;
  const { sampleRate, channels } = StbVorbis.decode(bytes);
  const frames = channels[0]?.length ?? 0;
  const warnings: string[] = [];
  if (granule > 0 && frames < granule) {
    warnings.push(`${frames} samples were found where the last page announces ${granule}`);
  }
  const cut = granule > 0 && frames > granule;
  return {
    sampleRate,
    channels: cut ? channels.map((channel) => channel.slice(0, granule)) : channels,
    warnings,
  };
}
