// A decoder whose probabilities are a table, for searches whose right result can be worked out by hand.
import type { Echo, greedyDecode } from "@echo-ts/echo-model";
import { type Tensor, tensor } from "@echo-ts/tensor";

/** An Echo that gives the next token the probabilities of a table, by the text so far; ids pad, bos, eos, a, b. */
export function scripted(
  textContext: number,
  table: (text: string) => Readonly<Record<string, number>>,
): Echo {
  const names = ["pad", "bos", "eos", "a", "b"];
  const forward = (ids: Tensor): Tensor => {
    const [batch, length] = ids.shape as [number, number];
    const logits = Float32Array.from({ length: batch * length * names.length }, (_, at) => {
      const row = Math.floor(at / names.length / length);
      const tokens = Array.from(ids.dataSync().subarray(row * length + 1, (row + 1) * length));
      return Math.log(table(tokens.map((id) => names[id]).join(""))[names[at % names.length]!] ?? 0);
    });
    return tensor(logits, { shape: [batch, length, names.length] });
  };
  return { config: { textContext }, decodesInSteps: false, decoder: { forward } } as unknown as Echo;
}

/** What such an Echo is given as the encoded audio of one utterance. */
export const NOTHING_HEARD: Parameters<typeof greedyDecode>[1] = new Map([
  [
    "spectrogram" as const,
    {
      frames: tensor([0], { shape: [1, 1, 1] }),
      middle: null,
      phoneLogits: null,
      lengths: null,
      padding: null,
      silent: null,
    },
  ],
]);
