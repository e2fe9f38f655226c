// The code behind each figure of the studio, quoted by name when the site is built: a rename breaks the build and not the
// page. The plugin writes it beside the pages; a visitor who asks for it fetches it.
import { quoteAll } from "./quote.mjs";

const MODEL = "packages/echo-model/src";

/** For each figure the file and the declarations that compute what it shows. */
const SOURCES = {
  wave: ["packages/audio/src/wav.ts", ["decodeWav"]],
  spectrogram: [`${MODEL}/speech/features.ts`, ["extractFeatures", "logMelOf"]],
  ctc: [`${MODEL}/speech/decode/ctc-search.ts`, ["ctcFrameScores", "ctcGreedyDecode"]],
  beam: [`${MODEL}/speech/decode/ctc-beam.ts`, ["stay", "sourceFor"]],
  "where-a-word-looks": [`${MODEL}/model/attention.ts`, ["EchoAttention.attend", "EchoAttention.scoreBias"]],
  attention: [`${MODEL}/model/attention.ts`, ["EchoAttention.attend", "EchoAttention.scoreBias"]],
  gates: [`${MODEL}/model/gates.ts`, ["TokenGate"]],
  "gate-means": [`${MODEL}/model/gates.ts`, ["TokenGate"]],
  "gate-ratios": [`${MODEL}/study/gradient-diagnostics.ts`, ["gateWeights", "firstMlpWeight"]],
  "silence-share": [`${MODEL}/model/silence.ts`, ["logSilenceFactor", "silenceBias"]],
  "lag-curve": [`${MODEL}/study/rotary-patterns.ts`, ["lagCurve", "bandWidth"]],
  "similarity-fixed": [`${MODEL}/study/rotary-patterns.ts`, ["angleSimilarity"]],
  "similarity-pitch": [`${MODEL}/model/rotary.ts`, ["thetaFromPitch", "geometricFrequencies"]],
  "clock-hands": [`${MODEL}/model/rotary.ts`, ["steadyAngles", "accumulatedAngles"]],
  "pitch-curve": [`${MODEL}/speech/features.ts`, ["trackRecording"]],
  "pitch-bias": [`${MODEL}/model/pitch-bias.ts`, ["distancesWhere", "pitchBias"]],
};

/** The plugin. */
export const figureSources = () => ({
  name: "echo-site-figure-sources",
  generateBundle() {
    const quoted = Object.entries(SOURCES).map(([figure, [file, names]]) => [
      figure,
      { file, ...quoteAll(file, names) },
    ]);
    this.emitFile({
      type: "asset",
      fileName: "files/figure-sources.json",
      source: JSON.stringify(Object.fromEntries(quoted)),
    });
  },
});
