// State dicts to PyTorch and back, by files: docs/python/state_dict.py read one of them, printed what PyTorch computes
// with it, took a step of SGD there and wrote the other.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Activation, fromSafetensors, Linear, Sequential, SGD, toSafetensors } from "@echo-ts/autograd";
import { allClose, mean, square, tensor } from "@echo-ts/tensor";
import t from "tap";

const read = (name: string): Uint8Array =>
  readFileSync(join(import.meta.dirname, "..", "..", "fixtures", "state-dict", name));

const BEFORE = [
  [-0.42011240124702454, 0.7336931228637695],
  [0.0893833339214325, 0.13832354545593262],
];
const AFTER = [
  [-0.11752727627754211, 0.29904600977897644],
  [0.13380113244056702, 0.04763880372047424],
];

t.test("PyTorch computes with our file what we do, and we go on from PyTorch's", async (t) => {
  const x = tensor([
    [1, 2, 3],
    [-1, 0.5, 0],
  ]);
  const network = new Sequential(new Linear(3, 4), new Activation("gelu"), new Linear(4, 2)).initialize(1);
  const bytes = await toSafetensors(network);
  t.same(Buffer.from(bytes), Buffer.from(read("from-echo.safetensors")), "the file that PyTorch read");
  t.ok(allClose(network.forward(x), tensor(BEFORE), 1e-5, 1e-6), "as PyTorch computes it");
  mean(square(network.forward(x))).backward();
  new SGD(network.parameters(), { learningRate: 0.1 }).step();
  t.ok(allClose(network.forward(x), tensor(AFTER), 1e-5, 1e-6), "after the same step of SGD");
  const back = new Sequential(new Linear(3, 4), new Activation("gelu"), new Linear(4, 2)).initialize(2);
  t.same(fromSafetensors(back, read("from-pytorch.safetensors")), { missing: [], unexpected: [] });
  t.ok(allClose(back.forward(x), tensor(AFTER), 1e-5, 1e-6), "PyTorch's file");
});
