// Recordings that only the browser's own decoders read, such as MP3 and AAC.

/** A recording decoded by the browser and mixed to one channel. @param sampleRate Hz of the result */
export async function decodeByBrowser(bytes: ArrayBuffer, sampleRate: number): Promise<Float32Array> {
  const buffer = await new OfflineAudioContext(1, 1, sampleRate).decodeAudioData(bytes);
  const { toMono } = await import("@echo-ts/audio");
  return toMono(
    Array.from({ length: buffer.numberOfChannels }, (_, channel) => buffer.getChannelData(channel)),
  );
}
