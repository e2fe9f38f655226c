// Times the Whisper example on random weights of a published size: node scripts/whisper-speed.mjs [tiny | base].
// Random weights say nothing worth reading, but they cost what real ones do.
import { performance } from "node:perf_hooks";
import { greedyTokens } from "../examples/dist/whisper/decode.js";
import { Whisper } from "../examples/dist/whisper/model.js";
import { loadModel } from "../examples/dist/whisper/open.js";
import { features } from "../examples/dist/whisper/transcribe.js";
import { noGrad, toSafetensors } from "../packages/autograd/dist/index.js";
import { wasmInfo } from "../packages/tensor/dist/index.js";

const SIZES = {
  tiny: { d_model: 384, layers: 4, heads: 6 },
  base: { d_model: 512, layers: 6, heads: 8 },
};
const name = process.argv[2] ?? "tiny";
const { d_model, layers, heads } = SIZES[name];
const TOKENS = 100;
const config = {
  d_model,
  num_mel_bins: 80,
  vocab_size: 51865,
  max_source_positions: 1500,
  max_target_positions: 448,
  encoder_layers: layers,
  encoder_attention_heads: heads,
  encoder_ffn_dim: 4 * d_model,
  decoder_layers: layers,
  decoder_attention_heads: heads,
  decoder_ffn_dim: 4 * d_model,
  decoder_start_token_id: 50258,
  eos_token_id: 50257,
  pad_token_id: 50257,
};

async function timed(what, run) {
  const begun = performance.now();
  const result = await run();
  console.log(`${what.padEnd(34)} ${(performance.now() - begun).toFixed(0).padStart(6)} ms`);
  return result;
}

const drawn = new Whisper(config).initialize("speed");
console.log(
  `Whisper ${name}: ${drawn.parameterCount()} trained parameters; ${wasmInfo().threads} threads, ${wasmInfo().mode}`,
);
const bytes = await toSafetensors(drawn);
const model = await timed("opening the weights", () => loadModel(config, bytes));
const sound = Float32Array.from({ length: 480000 }, (_, i) => 0.1 * Math.sin(i * i * 1e-7));
for (const round of [1, 2]) {
  console.log(`round ${round}`);
  const mel = await timed("log-mel of 30 s", () => features({ config }, sound));
  const encoded = await timed("encoder", () => noGrad(() => model.encode(mel)));
  const cache = await timed("keys and values of the audio", () => noGrad(() => model.startCache(encoded)));
  const begun = performance.now();
  const prompt = [50258, 50259, 50359, 50363];
  const said = await greedyTokens(model, cache, prompt, { end: -1, limit: TOKENS });
  const each = (performance.now() - begun) / said.length;
  console.log(`${said.length} tokens: ${each.toFixed(1)} ms each, ${(1000 / each).toFixed(0)} a second`);
}
console.log(
  `resident at most: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB, the drawn copy and the file included`,
);
