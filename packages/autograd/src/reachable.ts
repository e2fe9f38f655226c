// Which nodes a sweep has to visit, and in which order.

import { engine } from "./engine.ts";
import { GradientError } from "./errors.ts";
import { type Node, nodeOf } from "./node.ts";

/**
 * The nodes through which gradients flow from `root` to the targets (without targets: to the leaves), latest first.
 * They carry `engine.mark` as their mark afterwards; nodes that were seen but lead nowhere carry the number before.
 */
export function markReachable(root: Node, targets: readonly Node[] | null): Node[] {
  const seen = engine.mark + 1;
  const wanted = seen + 1;
  engine.mark = wanted;
  if (targets !== null) for (const target of targets) target.mark = wanted;
  const found: Node[] = [];
  if (root.mark !== wanted) {
    root.mark = seen;
    found.push(root);
  }
  for (let n = 0; n < found.length; n++) {
    const node = found[n]!;
    if (node.op !== null && node.output === null && targets === null) throw usedUp();
    for (let i = 0; i < node.inputs.length; i++) {
      const source = nodeOf(node.inputs[i]!);
      if (source === null || source.mark >= seen) continue;
      source.mark = seen;
      found.push(source);
    }
  }
  found.sort(latestFirst);
  for (let n = found.length - 1; n >= 0; n--) {
    const node = found[n]!;
    let leads = targets === null && node.op === null;
    for (let i = 0; i < node.inputs.length && !leads; i++) leads = nodeOf(node.inputs[i]!)?.mark === wanted;
    if (leads) node.mark = wanted;
  }
  return found.filter((node) => node.mark === wanted);
}

const latestFirst = (a: Node, b: Node): number => b.order - a.order;

function usedUp(): GradientError {
  return new GradientError(
    "backward: the graph was already used and dropped; to use it again, call the first backward with { retainGraph: true }",
  );
}
