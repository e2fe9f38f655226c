// Every function and class that tensor and autograd export, called as plain JavaScript may: with undefined, null, texts,
// lists and objects in each place. Whatever it refuses, it refuses by an error of ours that begins with a name; no
// "Cannot read properties of undefined" comes out. A new export takes part by itself.
import * as A from "@echo-ts/autograd";
import * as T from "@echo-ts/tensor";
import * as internal from "@echo-ts/tensor/internal";
import t from "tap";

/** Building blocks for other packages and other files of these, which check before they call; and abstract classes. */
const INTERNAL = new Set([
  ...["apply", "scalar", "attentionWeights", "crossEntropyRows", "isWhole", "noteWrite", "observe", "timed"],
  ...[
    "tellOp",
    "tellGradient",
    "checkFunction",
    "checkOptions",
    "checkTensors",
    "definedOptions",
    "describeValue",
  ],
  ...[
    "nearestName",
    "unknownOption",
    "wrongArgument",
    "formatShape",
    "sameShape",
    "formatProfile",
    "explain",
  ],
  ...["onlyResult", "constant", "zerosInit", "onesInit", "fans", "gruStep", "lstmStep", "Optimizer"],
  ...["ArgumentError", "BackendError", "DtypeError", "FormatError", "ShapeError", "GradientError"],
  // These change the engine for the rest of the process.
  ...["initGpu", "initWasm", "configureWasm", "registerBackend", "setBackend"],
]);

const x = T.ones([2, 2]);
const WRONG: readonly unknown[] = [
  undefined,
  null,
  "text",
  {},
  [],
  1.5,
  Number.NaN,
  () => 1,
  true,
  [undefined],
  [[]],
];

/** Calls with one wrong value in some place, or in all. */
const CALLS = WRONG.flatMap((wrong): unknown[][] => [
  ...[[wrong], [wrong, wrong], [wrong, wrong, wrong], [x, wrong], [x, x, wrong], [x, 0, wrong]],
  ...[
    [x, 0, x, wrong],
    [[2], wrong],
    [2, wrong],
    [2, 2, wrong],
    [wrong, x],
    [wrong, 0, x],
  ],
]);

type Callable = (...args: readonly unknown[]) => unknown;

async function refusal(f: Callable, args: readonly unknown[]): Promise<unknown> {
  try {
    const isClass = /^class\b/.test(Function.prototype.toString.call(f));
    await (isClass ? Reflect.construct(f, args) : f(...args));
    return null;
  } catch (error) {
    return error;
  }
}

/** True for errors that this code throws on purpose: they begin with a name, as in `sum: ...`. */
const isOurs = (error: unknown): boolean => error instanceof Error && /^[\w. ]+: /.test(error.message);

for (const [name, exports] of Object.entries({ tensor: T, autograd: A })) {
  t.test(`no raw error comes out of ${name}`, async (t) => {
    let tried = 0;
    for (const [key, value] of Object.entries(exports)) {
      if (typeof value !== "function" || INTERNAL.has(key)) continue;
      const raw: string[] = [];
      for (const args of CALLS) {
        const error = await refusal(value as Callable, args);
        if (error !== null && !isOurs(error))
          raw.push(`${args.map(internal.describeValue).join(", ")}: ${error}`);
      }
      t.same(raw, [], key);
      tried++;
    }
    t.ok(tried > (name === "tensor" ? 120 : 60), `${tried} functions`);
  });
}
