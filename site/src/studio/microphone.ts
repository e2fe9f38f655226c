// The microphone: features frame by frame from the audio package's worklet, and the samples themselves. What can go wrong
// is said in words, with what to do.
import { siteUrl } from "../layout/root.ts";

/** What the worklet "echo-features" posts. */
export interface LiveFrames {
  readonly first: number;
  readonly normalized: { readonly data: Float32Array; readonly shape: readonly number[] };
  readonly f0: Float32Array;
  readonly speech: Uint8Array;
}

/** What the worklet "echo-samples" posts. */
export interface LiveSamples {
  /** Mono at 16 kHz. */
  readonly samples: Float32Array;
  /** How many samples the audio thread has handed on before these. */
  readonly first: number;
  /** Frames that the audio thread did not get before these. */
  readonly skipped: number;
  /** Milliseconds of the audio thread's clock when the last of them had come. */
  readonly clock: number;
}

/** Who hears the microphone. */
export interface Listener {
  frames(frames: LiveFrames): void;
  samples(chunk: LiveSamples): void;
  /** The device was unplugged or taken away. */
  lost(reason: string): void;
}

/** Longest wait for the audio thread's last samples when the microphone is closed, milliseconds. */
const LAST_SAMPLES = 5000;
/** Rate at which the model hears. */
export const RATE = 16000;

/** Says in words why there is no microphone, by the names of errors that the standard gives. */
export function microphoneProblem(error: unknown): string {
  const name = error instanceof Error ? error.name : "";
  switch (name) {
    case "NotAllowedError":
      return "The microphone was refused. Allow it for this page (the sign to the left of the address), then press the button again; or drop a recording instead.";
    case "NotFoundError":
    case "OverconstrainedError":
      return "No microphone was found. Plug one in, then press the button again; or drop a recording instead.";
    case "NotReadableError":
      return "The microphone is there but cannot be opened; another program may have it. Close that program, then press the button again.";
    case "SecurityError":
    case "TypeError":
      return "This page may not use a microphone: browsers allow it on https and on this machine only. Open the page there, or drop a recording instead.";
    case "NotSupportedError":
      return "This browser cannot take the microphone's sound at 16 kHz. Record with another program and drop the file here.";
    default:
      return `The microphone failed (${error instanceof Error ? error.message : String(error)}). Drop a recording instead.`;
  }
}

/**
 * Opens the microphone; the result closes it, after every sample that came until then was handed on. Rejects with the
 * browser's error, see {@link microphoneProblem}.
 */
export async function openMicrophone(listener: Listener): Promise<() => Promise<void>> {
  if (navigator.mediaDevices === undefined) throw new TypeError("no microphone on this kind of page");
  // Cleaned sound is another sound: the features shall be those of recordings.
  const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const microphone = await navigator.mediaDevices.getUserMedia({ audio });
  const stop = (): void => {
    for (const track of microphone.getTracks()) track.stop();
  };
  let context: AudioContext | null = null;
  let lastCame = Promise.resolve();
  let samples: AudioWorkletNode;
  try {
    // Nothing is played, so sound that comes a little later costs nothing. "playback" asks for long buffers, and Chromium keeps
    // between the microphone and the audio thread room for five of them; what does not fit is dropped, unseen by any page.
    context = new AudioContext({ sampleRate: RATE, latencyHint: "playback" });
    await context.audioWorklet.addModule(siteUrl("worklet.js"));
    const source = context.createMediaStreamSource(microphone);
    const features = new AudioWorkletNode(context, "echo-features", {
      processorOptions: { pitch: { fmin: 70 } },
    });
    samples = new AudioWorkletNode(context, "echo-samples");
    features.port.onmessage = ({ data }: MessageEvent<LiveFrames>) => listener.frames(data);
    lastCame = new Promise((resolve) => {
      samples.port.onmessage = ({ data }: MessageEvent<LiveSamples & { readonly last: boolean }>) => {
        if (data.samples.length > 0) listener.samples(data);
        if (data.last) resolve();
      };
    });
    source.connect(features);
    source.connect(samples);
  } catch (error) {
    stop();
    await context?.close();
    throw error;
  }
  const opened = context;
  const close = async (): Promise<void> => {
    samples.port.postMessage("end");
    await Promise.race([lastCame, new Promise((resolve) => setTimeout(resolve, LAST_SAMPLES))]);
    stop();
    if (opened.state !== "closed") await opened.close();
  };
  const [track] = microphone.getAudioTracks();
  track?.addEventListener("ended", async () => {
    await close();
    listener.lost("The microphone is gone. Plug it in again, then press the button again.");
  });
  return close;
}
