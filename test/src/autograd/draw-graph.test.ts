// Drawing a graph: every value once, in an order of computation, with what a reader needs to recognise it.
import { constant, customGradient, graphText, toDot, variable } from "@echo-ts/autograd";
import { mul, observe, sum, tensor } from "@echo-ts/tensor";
import t from "tap";

t.test("a graph as text names variables, operands, parameters, shapes and dtypes", async (t) => {
  const w = variable(tensor([1, 2]));
  const loss = sum(mul(mul(w, w), tensor([3, 4])), 0);
  t.equal(
    graphText(loss),
    [
      "%0 = variable [2] float32",
      "%1 = mul(%0, %0) [2] float32",
      "%2 = constant [2] float32",
      "%3 = mul(%1, %2) [2] float32",
      "%4 = sum(%3) axes [0] [] float32",
    ].join("\n"),
  );
});

t.test("the same graph for Graphviz has one node for each value and one edge for each operand", async (t) => {
  const w = variable(tensor([1, 2]));
  const text = toDot(sum(mul(w, w)));
  t.match(text, /^digraph \{\n/);
  t.equal(text.match(/\[label=/g)!.length, 3);
  t.equal(text.match(/ -> /g)!.length, 3, "an operand used twice has two edges");
  t.match(text, 'label="variable\\n[2] float32", shape=ellipse');
});

t.test("a deep graph is no matter of recursion", async (t) => {
  let x = variable(tensor([1])).mul(1);
  for (let i = 0; i < 20_000; i++) x = x.add(1);
  t.equal(graphText(x).split("\n").length, 20_003);
});

t.test("a tensor without a graph is refused, and so is one whose graph was dropped", async (t) => {
  const message =
    "graphText: the tensor was not computed from a variable, or `backward` has dropped its graph";
  t.throws(() => graphText(tensor([1])), { name: "GradientError", message });
  const loss = sum(variable(tensor([1, 2])).exp());
  loss.backward();
  t.doesNotThrow(() => graphText(loss), "the root itself is left, without what it was computed from");
  t.throws(() => toDot(constant(() => tensor([1]))), { message: message.replace("graphText", "toDot") });
});

t.test(
  "a backward pass can be watched step by step, functions with a gradient of their own included",
  async (t) => {
    const twice = customGradient({ name: "twice", forward: (x) => mul(x, 2), backward: (g) => [mul(g, 2)] });
    const seen: string[] = [];
    const stop = observe({
      op: ({ op, depth }) => depth === 0 && seen.push(op),
      gradient: ({ op, parts }) => seen.push(`gradient of ${op} for ${parts.length}`),
    });
    const w = variable(tensor([1, 2]));
    sum(twice(w)).backward();
    stop();
    t.ok(seen.indexOf("twice") >= 0 && seen.indexOf("twice") < seen.indexOf("sum"));
    t.same(
      seen.filter((line) => line.startsWith("gradient")),
      ["gradient of sum for 1", "gradient of twice for 1"],
    );
  },
);
