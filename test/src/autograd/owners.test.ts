// Who may read what, and until when: the same on every backend, whatever it does with the memory. Values are
// chosen so that each result is exact.
import * as a from "@echo-ts/autograd";
import * as e from "@echo-ts/tensor";
import * as internal from "@echo-ts/tensor/internal";
import { toNdarray } from "@echo-ts/tensor/ndarray";
import t, { type Test } from "tap";
import { everyBackend } from "../tensor/every-backend.ts";

const gpu = await e.initGpu({ mode: "cpu" });
const backends = [...(await everyBackend()).filter(({ name }) => name !== "gpu"), gpu];
e.setBackend("reference");

const values = async (x: e.Tensor): Promise<number[]> => Array.from(await x.data());

/** A step with logits, hidden values and a loss: loss = sum(2 x w). */
function makeStep(): { w: a.Parameter; run: () => { logits: e.Tensor; hidden: e.Tensor; loss: e.Tensor } } {
  const w = new a.Parameter(e.tensor([[2, 3]]));
  const x = e.tensor([[1, 1]]);
  const run = () => {
    const logits = e.linear(x, w);
    const hidden = e.mul(w, 2);
    const loss = e.sum(e.mul(logits, hidden)); // 2 (w1 + w2)^2
    loss.backward();
    return { logits, hidden, loss };
  };
  return { w, run };
}

const CLOSED = (op: string, shape: string, when: string) => ({
  name: "BackendError",
  message: `${op}: the memory of this float32 tensor ${shape} was given back when ${when}; to use it later, call keep(x) or detach(x) before that`,
});

for (const backend of backends) {
  const on = (name: string, body: (t: Test) => Promise<void>): void => {
    t.test(`${backend.name}: ${name}`, async (t) => {
      e.setBackend(backend);
      await body(t);
      e.setBackend("reference");
    });
  };

  on(
    "values of a graph are readable until the next graph begins, then refused by every reader",
    async (t) => {
      const { run } = makeStep();
      const first = run();
      t.same(await values(first.hidden), [4, 6], "after backward");
      t.same(await values(e.add(first.hidden, 1)), [5, 7], "what is not recorded begins no graph");
      run();
      const refused = (op: string, shape = "[1, 2]") => CLOSED(op, shape, "the next graph began");
      await t.rejects(first.hidden.data(), refused("read"));
      t.throws(() => first.hidden.dataSync(), refused("read"));
      t.throws(() => first.hidden.toArray(), refused("read"));
      t.equal(
        String(first.hidden),
        "tensor(float32, shape [1, 2], memory given back when the next graph began)",
        "printing does not throw",
      );
      await t.rejects(toNdarray(first.hidden), refused("toNdarray"));
      t.throws(() => e.add(first.hidden, 1), refused("add"));
      t.throws(() => e.softmax(first.hidden), refused("softmax"));
      t.throws(() => e.reshape(first.hidden, [2]), refused("reshape"));
      t.throws(() => e.assign(e.zeros([1, 2]), first.hidden), refused("assign"));
    },
  );

  on("a loss and other single numbers are readable for ever", async (t) => {
    const { run } = makeStep();
    const first = run();
    for (let i = 0; i < 20; i++) run();
    t.same(await values(first.loss), [50]);
    t.same(await values(e.add(first.loss, 1)), [51], "as an operand too");
    t.same(await values(first.logits), [5]);
  });

  on("keep and detach make values readable for as long as they are held", async (t) => {
    const { w, run } = makeStep();
    const kept = a.keep(e.mul(w, 3));
    const view = e.reshape(e.mul(w, 4), [2]);
    const base = a.detach(view);
    const wide = e.mul(w, 5);
    e.sum(e.mul(e.add(kept, wide), e.reshape(view, [1, 2]))).backward();
    for (let i = 0; i < 20; i++) run();
    t.same(await values(kept), [6, 9]);
    t.same(await values(base), [8, 12]);
    t.same(await values(view), [8, 12], "the other handles too");
    t.throws(() => e.neg(wide), CLOSED("neg", "[1, 2]", "the next graph began"));
  });

  on("what backward is called on stays readable", async (t) => {
    const { w, run } = makeStep();
    const y = e.mul(w, 3);
    a.backward(y, e.ones([1, 2]));
    run();
    t.same(await values(y), [6, 9]);
  });

  on("a value outside the graph that was taken backward, and a second graph, are left alone", async (t) => {
    const { w, run } = makeStep();
    const shared = e.mul(w, 3);
    const aside = e.square(shared);
    const other = e.sum(e.square(e.mul(w, 2)));
    e.sum(shared).backward();
    a.zeroGrad([w]);
    run();
    t.same(await values(aside), [36, 81]);
    a.zeroGrad([w]);
    other.backward();
    t.same(await values(w.grad!), [16, 24], "8 w");
  });

  on("a mask of a leaf serves many steps; one of a graph ends with the graph that uses it", async (t) => {
    const w = new a.Parameter(e.tensor([[2, 3]]));
    const ofLeaf = e.greater(w, 2.5);
    for (let i = 0; i < 3; i++) e.sum(e.where(ofLeaf, w, 0)).backward();
    t.same(await values(w.grad!), [0, 3]);
    const unused = e.greater(e.mul(w, 2), 5);
    const used = e.greater(e.mul(w, 2), 5);
    e.sum(e.where(used, w, 0)).backward();
    e.mul(w, 2);
    t.same(await values(ofLeaf), [0, 1]);
    t.same(await values(unused), [0, 1]);
    t.throws(() => e.logicalNot(used), {
      message: /^\w+: the memory of this bool tensor \[1, 2\] was given back/,
    });
  });

  on("a constant ends with the first graph that uses it, and is like any tensor without one", async (t) => {
    const w = new a.Parameter(e.tensor([[2, 3]]));
    let inside = e.zeros([1]);
    const make = (): e.Tensor =>
      a.constant(() => {
        inside = e.mul(w, 10);
        return e.add(inside, 1);
      });
    const [used, free] = [make(), make()];
    t.equal(used.requiresGrad, false);
    t.throws(() => e.neg(inside), CLOSED("neg", "[1, 2]", "the function that made it ended"));
    e.sum(e.mul(w, used)).backward();
    t.same(await values(w.grad!), [21, 31]);
    e.mul(w, 2);
    t.same(await values(free), [21, 31]);
    t.throws(() => e.neg(used), CLOSED("neg", "[1, 2]", "the next graph began"));
    const given = e.tensor([[1, 2]]);
    e.sum(
      e.mul(
        w,
        a.constant(() => given),
      ),
    ).backward();
    e.mul(w, 2);
    t.same(await values(given), [1, 2], "a tensor that was there before is not the graph's");
  });

  on("gradients last until zeroGrad, unless they are kept", async (t) => {
    const { w, run } = makeStep();
    run();
    const gone = w.grad!;
    a.zeroGrad([w]);
    t.equal(w.grad, null);
    t.throws(
      () => e.neg(gone),
      CLOSED("neg", "[1, 2]", "zeroGrad forgot this gradient or another took its place"),
    );
    run();
    const kept = a.keep(w.grad!);
    run();
    t.same(await values(kept), [20, 20], "not overwritten by the sum that takes its place");
    t.same(await values(w.grad!), [40, 40]);
    const own = e.tensor([[1, 2]]);
    w.grad = own;
    a.zeroGrad([w]);
    t.same(await values(own), [1, 2], "a gradient that the user made stays the user's");
  });

  on("hooks may keep the gradient, and what they compute is theirs", async (t) => {
    const { w, run } = makeStep();
    const seen: e.Tensor[] = [];
    const hidden = e.mul(w, 2);
    a.onGradient(hidden, (g) => {
      seen.push(g, e.mul(g, 10));
      return e.mul(g, 100);
    });
    e.sum(e.square(hidden)).backward();
    t.same(await values(w.grad!), [1600, 2400], "100 times 8 w");
    a.zeroGrad([w]);
    for (let i = 0; i < 5; i++) run();
    t.same(await Promise.all(seen.map(values)), [
      [8, 12],
      [80, 120],
    ]);
  });

  on("functions of grad leave their arguments and results to whoever holds them", async (t) => {
    const { w, run } = makeStep();
    const x = e.tensor([3, 4]);
    const { value, gradient } = a.valueAndGrad((x: e.Tensor) => e.sum(e.square(x)))(x);
    const same = a.grad((x: e.Tensor) => e.sum(x))(x);
    const h = e.mul(w, 2);
    const inner = a.grad((h: e.Tensor) => e.sum(e.square(e.reshape(h, [2]))), { createGraph: false })(h);
    e.sum(e.mul(h, h)).backward();
    for (let i = 0; i < 3; i++) run();
    t.same(await Promise.all([x, gradient, same, inner].map(values)), [
      [3, 4],
      [6, 8],
      [1, 1],
      [8, 12],
    ]);
    t.same(await values(value), [25]);
  });

  on("releasingResults gives back what it made, and leaves the rest alone", async (t) => {
    const before = e.tensor([1, 2]);
    const [inside, kept, outer] = e.releasingResults(() => {
      const made = e.mul(before, 2);
      return [made, e.keep(e.mul(before, 3)), internal.outsideScopes(() => e.mul(before, 4))];
    });
    t.throws(() => e.neg(inside!), CLOSED("neg", "[2]", "releasingResults ended"));
    t.same(await Promise.all([before, kept!, outer!].map(values)), [
      [1, 2],
      [3, 6],
      [4, 8],
    ]);
    const middle: e.Tensor[] = [];
    const nested = e.releasingResults(() => {
      const out = internal.onlyResult(() => {
        middle.push(e.mul(before, 5));
        return e.add(middle[0]!, 1);
      });
      t.throws(() => e.neg(middle[0]!), CLOSED("neg", "[2]", "the function that made it ended"));
      t.same(e.add(out, 1).shape, [2], "it escaped into the scope around it");
      return out;
    });
    t.throws(() => e.neg(nested), CLOSED("neg", "[2]", "releasingResults ended"));
  });

  on("an error inside backward gives back what it made, and the graph may be used again", async (t) => {
    const { w } = makeStep();
    const hidden = e.mul(w, 2);
    const remove = a.onGradient(hidden, () => {
      throw new Error("stop");
    });
    const loss = e.sum(e.square(hidden));
    t.throws(() => loss.backward(), /stop/);
    remove();
    loss.backward();
    t.same(await values(w.grad!), [16, 24]);
  });
}
