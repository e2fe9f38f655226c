// A transformer that learns to write, letter by letter, from two poems; it invents words on the way.
//   node examples/dist/character-model.js [steps, default 400]
// It is much larger than the text needs and ends up knowing parts by heart: the samples on the way show more
// than the last one. Everything is seeded.
import {
  Activation,
  AdamW,
  clipGradNorm,
  cosineSchedule,
  crossEntropyLoss,
  DataLoader,
  Embedding,
  LayerNorm,
  Linear,
  Module,
  MultiheadAttention,
  noGrad,
  normalInit,
  Sequential,
} from "@echo-ts/autograd";
import { arange, listBackends, setBackend, softmax, stream, type Tensor, tensor } from "@echo-ts/tensor";

const SEED = 1871;
const CONTEXT = 48; // letters
const WIDTH = 64;
const HEADS = 4;
const LAYERS = 2;
const BATCH = 16;
const STEPS = Number(process.argv[2] ?? 400);

setBackend(listBackends().includes("wasm") ? "wasm" : "reference");

/** Lewis Carroll, Through the Looking-Glass, 1871: "Jabberwocky" and the opening of "The Walrus and the Carpenter". */
const TEXT = `'Twas brillig, and the slithy toves
Did gyre and gimble in the wabe;
All mimsy were the borogoves,
And the mome raths outgrabe.

"Beware the Jabberwock, my son!
The jaws that bite, the claws that catch!
Beware the Jubjub bird, and shun
The frumious Bandersnatch!"

He took his vorpal sword in hand:
Long time the manxome foe he sought--
So rested he by the Tumtum tree,
And stood awhile in thought.

And as in uffish thought he stood,
The Jabberwock, with eyes of flame,
Came whiffling through the tulgey wood,
And burbled as it came!

One, two! One, two! And through and through
The vorpal blade went snicker-snack!
He left it dead, and with its head
He went galumphing back.

"And hast thou slain the Jabberwock?
Come to my arms, my beamish boy!
O frabjous day! Callooh! Callay!"
He chortled in his joy.

'Twas brillig, and the slithy toves
Did gyre and gimble in the wabe;
All mimsy were the borogoves,
And the mome raths outgrabe.

The sun was shining on the sea,
Shining with all his might:
He did his very best to make
The billows smooth and bright--
And this was odd, because it was
The middle of the night.

The moon was shining sulkily,
Because she thought the sun
Had got no business to be there
After the day was done--
"It's very rude of him," she said,
"To come and spoil the fun!"

The sea was wet as wet could be,
The sands were dry as dry.
You could not see a cloud, because
No cloud was in the sky:
No birds were flying overhead--
There were no birds to fly.

The Walrus and the Carpenter
Were walking close at hand;
They wept like anything to see
Such quantities of sand:
"If this were only cleared away,"
They said, "it would be grand!"

"If seven maids with seven mops
Swept it for half a year,
Do you suppose," the Walrus said,
"That they could get it clear?"
"I doubt it," said the Carpenter,
And shed a bitter tear.
`;

const letters = [...new Set(TEXT)].sort();
const numbers = new Map(letters.map((letter, i) => [letter, i]));
const encode = (text: string): number[] => [...text].map((letter) => numbers.get(letter)!);

/** Attention to what came before, then a small network at each position; both added to the stream. */
class Block extends Module {
  readonly norm1 = new LayerNorm(WIDTH);
  readonly attention = new MultiheadAttention(WIDTH, HEADS);
  readonly norm2 = new LayerNorm(WIDTH);
  readonly mlp = new Sequential(
    new Linear(WIDTH, 4 * WIDTH),
    new Activation("gelu"),
    new Linear(4 * WIDTH, WIDTH),
  );

  forward(x: Tensor): Tensor {
    const normed = this.norm1.forward(x);
    const attended = x.add(this.attention.forward(normed, normed, normed, { causal: true })); // [B, T, WIDTH]
    return attended.add(this.mlp.forward(this.norm2.forward(attended)));
  }
}

class CharacterModel extends Module {
  readonly letters = new Embedding(letters.length, WIDTH, { weightInit: normalInit(0, 0.05) });
  readonly positions = new Embedding(CONTEXT, WIDTH, { weightInit: normalInit(0, 0.05) });
  readonly blocks = Array.from({ length: LAYERS }, () => new Block());
  readonly norm = new LayerNorm(WIDTH);
  readonly output = new Linear(WIDTH, letters.length);

  /** int32 [B, T] -> scores of the next letter [B, T, letters] */
  forward(text: Tensor): Tensor {
    let x = this.letters.forward(text).add(this.positions.forward(arange(text.shape[1]!)));
    for (const block of this.blocks) x = block.forward(x);
    return this.output.forward(this.norm.forward(x));
  }
}

const model = new CharacterModel().initialize(SEED);

/** Continues a text, drawing each letter from the model's distribution sharpened by the temperature. */
function write(start: string, length: number, temperature: number): string {
  const random = stream(SEED, "sample");
  let text = start;
  for (let i = 0; i < length; i++) {
    const seen = encode(text.slice(-CONTEXT));
    const next = noGrad(() => {
      const scores = model.forward(tensor(Int32Array.from(seen), { shape: [1, seen.length] }));
      return softmax(scores.select(1, seen.length - 1).div(temperature)).dataSync();
    });
    let left = random.next();
    let chosen = 0;
    while (chosen < next.length - 1 && left >= next[chosen]!) left -= next[chosen++]!;
    text += letters[chosen]!;
  }
  return text;
}

const quote = (text: string): string => text.replace(/^/gm, "    | ");

const text = encode(TEXT);
const starts = Array.from({ length: text.length - CONTEXT }, (_, i) => i);
const batchOf = (picked: number[], shift: number): Tensor =>
  tensor(Int32Array.from(picked.flatMap((i) => text.slice(i + shift, i + shift + CONTEXT))), {
    shape: [picked.length, CONTEXT],
  });
const batches = new DataLoader(starts, {
  batchSize: BATCH,
  shuffle: true,
  seed: SEED,
  dropLast: true,
  collate: (picked) => ({ input: batchOf(picked, 0), target: batchOf(picked, 1) }),
});

console.log(`${TEXT.length} letters, ${letters.length} different ones; ${model.parameterCount()} parameters`);
console.log(
  `guessing blindly costs ln ${letters.length} = ${Math.log(letters.length).toFixed(2)} per letter\n`,
);
console.log(`untrained:\n${quote(write("'Twas ", 80, 1))}\n`);

const optimizer = new AdamW(model, { weightDecay: 0.1 });
const schedule = cosineSchedule({ peak: 4e-3, warmupSteps: Math.min(50, STEPS - 1), steps: STEPS });
const started = performance.now();
let step = 0;
while (step < STEPS) {
  for (const { input, target } of batches) {
    if (step === STEPS) break;
    optimizer.learningRate = schedule(step++);
    optimizer.zeroGrad();
    const loss = crossEntropyLoss(model.forward(input), target);
    loss.backward();
    const norm = await clipGradNorm(model.parameters(), 1);
    optimizer.step();
    if (step === 1 || step % 50 === 0) {
      console.log(
        `step ${String(step).padStart(3)}   loss ${loss.item().toFixed(3)}   gradient norm ${norm.toFixed(2)}`,
      );
    }
    if (step === 100 || step === 200) console.log(`\n${quote(write("'Twas ", 160, 0.8))}\n`);
  }
}
console.log(`\nafter ${STEPS} steps, ${((performance.now() - started) / 1000).toFixed(1)} s:`);
console.log(quote(write("'Twas ", 400, 0.7)));
