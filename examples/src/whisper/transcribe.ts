// Audio of any length to text, in windows of 30 s that begin at the last timestamp (openai/whisper, transcribe.py).
// Left out of the original: other temperatures after a bad window, the text before as a prompt, the test for silence,
// beams. Log-mel is normalised by window, not by file. Read next: ../whisper.ts, the command.
import { toRowMajor, whisperLogMel } from "@echo-ts/audio";
import { noGrad } from "@echo-ts/autograd";
import { type Tensor, tensor } from "@echo-ts/tensor";
import { applyRules, greedyTokens, nextLogits, type SpecialIds } from "./decode.ts";
import type { OpenWhisper } from "./open.ts";

const SAMPLE_RATE = 16000;
const STEP = 0.02; // seconds from one timestamp to the next, and of one encoded frame
const windowSamples = ({ config }: OpenWhisper): number => config.max_source_positions * STEP * SAMPLE_RATE;

/** `language` such as "en", default the likeliest in the first window; `task` "translate" writes English. */
type Options = { language?: string | undefined; task?: string; timestamps?: boolean | undefined };

/** Log-mel [1, M, 2 S] of the first window of samples at 16 kHz, zeros behind their end. */
export function features(whisper: OpenWhisper, samples: Float32Array): Tensor {
  const melBins = whisper.config.num_mel_bins;
  const mel = whisperLogMel(samples.subarray(0, windowSamples(whisper)), { melBins });
  return tensor(toRowMajor(mel), { shape: [1, ...mel.shape] });
}

/** Pieces of text with their times in seconds, as they come. Beyond one window the model always says times. */
export async function* transcribe(whisper: OpenWhisper, samples: Float32Array, options: Options = {}) {
  const { model, config, ids } = whisper;
  const window = windowSamples(whisper);
  let { timestamps = samples.length > window, task, language } = options;
  for (let at = 0; at < samples.length; ) {
    const encoded = noGrad(() => model.encode(features(whisper, samples.subarray(at))));
    if (whisper.multilingual) language ??= await likeliestLanguage(whisper, encoded);
    const prompt = promptOf(whisper, timestamps, language, task);
    const most = config.max_target_positions;
    const until = { end: ids.end, limit: Math.min(most >> 1, most - prompt.length) };
    const restrict = (logits: Float32Array, said: number[]) => applyRules(logits, said, ids, timestamps);
    const cache = noGrad(() => model.startCache(encoded));
    const said = await greedyTokens(model, cache, prompt, { ...until, restrict });
    const [offset, seconds] = [at / SAMPLE_RATE, Math.min(window, samples.length - at) / SAMPLE_RATE];
    const { pieces, used } = cutAtTimes(said, ids, seconds);
    for (const { start, end, tokens } of pieces) {
      const text = whisper.decode(tokens);
      if (text !== "") yield { start: offset + start, end: offset + end, text };
    }
    at += Math.round(used * SAMPLE_RATE);
  }
}

/** The tokens before the text: start, language, task, and "no timestamps" where none are wanted. */
export function promptOf(w: OpenWhisper, timestamps: boolean, language = "en", task = "transcribe") {
  const asked = w.multilingual ? [w.idOf(`<|${language}|>`), w.idOf(`<|${task}|>`)] : [];
  return [w.config.decoder_start_token_id, ...asked, ...(timestamps ? [] : [w.ids.noTimestamps])];
}

/** The languages are the tokens between the start and the first task. */
async function likeliestLanguage({ model, config, idOf, tokenOf }: OpenWhisper, encoded: Tensor) {
  const start = config.decoder_start_token_id;
  const cache = noGrad(() => model.startCache(encoded));
  const scores = (await nextLogits(model, cache, [start])).subarray(start + 1, idOf("<|translate|>"));
  return tokenOf(start + 1 + scores.indexOf(Math.max(...scores))).slice(2, -2);
}

/** The pieces that pairs of timestamps mark in a window of so many seconds, and how much of the window is used up. */
export function cutAtTimes(said: number[], { firstTime }: SpecialIds, seconds: number) {
  const isTime = (id: number | undefined): boolean => id !== undefined && id >= firstTime;
  const timeOf = (id: number): number => (id - firstTime) * STEP;
  const cuts = [...said.keys()].filter((i) => isTime(said[i]) && isTime(said[i - 1]));
  if (cuts.length === 0) {
    const last = said.findLast(isTime) ?? firstTime;
    const end = last > firstTime ? timeOf(last) : seconds;
    return { pieces: [{ start: 0, end, tokens: said }], used: seconds };
  }
  // A single time at the end says that nothing follows; otherwise what follows the last pair is heard again.
  const complete = isTime(said.at(-1)) && !isTime(said.at(-2));
  if (complete) cuts.push(said.length);
  const pieces = cuts.map((to, i) => {
    const tokens = said.slice(cuts[i - 1] ?? 0, to);
    return { start: timeOf(tokens[0]!), end: timeOf(tokens.at(-1)!), tokens };
  });
  return { pieces, used: complete ? seconds : pieces.at(-1)!.end };
}
