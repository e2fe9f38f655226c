// Chains of elementwise ops as one kernel. An elementwise op is not run when it is called but put off: the op that
// asks for its elements takes its text in, as far as shapes agree, or has it run first. What nobody asks for is
// never run. Reading order: Deferred in slot.ts, then `defer`, Chain, and the text.

import type { View } from "../../backend.ts";
import { rowMajorStrides, type Shape, sizeOf } from "../../shape.ts";
import type { Device } from "./device.ts";
import { dense, type Strided, slotOf, strided } from "./kernel-text.ts";
import { type Floats, LETTERS, MOST_INPUTS, map, temporary } from "./run.ts";
import type { Deferred, Slot } from "./slot.ts";

/** One op: a text that returns something of a, b, c, ..., which are its operands. */
interface Step {
  readonly name: string;
  readonly text: string;
  readonly floats: Floats;
  readonly operands: readonly (Step | Strided)[];
}

/** More steps in one kernel would only make texts that never come again. */
const MOST_STEPS = 8;

/** A chain that reads more arrays than this is stored when it is asked for twice, rather than computed twice. */
const CHEAP_INPUTS = 2;

/** Each chain that differs is a kernel, and kernels are kept; after so many only those known run as one. */
const MOST_CHAINS = 256;
const known = new WeakMap<Device, Set<string>>();

/** True if the device may have a kernel of its own for this chain. */
function admits(device: Device, signature: string): boolean {
  let chains = known.get(device);
  if (chains === undefined) {
    chains = new Set();
    known.set(device, chains);
  }
  if (chains.size < MOST_CHAINS) chains.add(signature);
  return chains.has(signature);
}

const isStep = (operand: Step | Strided): operand is Step => "text" in operand;

const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((n, i) => n === b[i]);

/** An elementwise op to be put off. */
export interface DeferredOp extends Pick<Step, "name" | "text" | "floats"> {
  /**
   * True if the result jumps: then the operands are stored first, because a value that is computed twice, in two
   * kernels, may differ in its last bit, and x = max(x) would hold nowhere.
   */
  readonly jumps: boolean;
}

/** Puts an elementwise op off; `out` of shape `shape` is filled when somebody asks for it. */
export function defer(
  device: Device,
  out: Slot,
  shape: Shape,
  inputs: readonly View[],
  { jumps, ...op }: DeferredOp,
): void {
  // What is not taken in runs now, or what is put off would grow without end.
  const stored = (view: View): Strided => {
    slotOf(view).force();
    return strided(view, shape);
  };
  const operands = inputs.map((view) => (jumps ? null : chainOf(view, shape))?.step ?? stored(view));
  let chain = new Chain(device, out, shape, { ...op, operands });
  if (chain.inputs.length > MOST_INPUTS || chain.steps.length > MOST_STEPS) {
    chain = new Chain(device, out, shape, { ...op, operands: inputs.map(stored) });
  }
  chain.hold();
  out.deferred = chain;
}

/** The chain behind a view, if it can become a part of another chain over `shape`. */
function chainOf(view: View, shape: Shape): Chain | null {
  const { deferred, length } = slotOf(view);
  if (!(deferred instanceof Chain) || !sameShape(deferred.shape, shape)) return null;
  const whole = view.offset === 0 && sizeOf(view.shape) === length && sameShape(view.shape, shape);
  const rowMajor = rowMajorStrides(view.shape).every(
    (stride, axis) => view.shape[axis] === 1 || stride === view.strides[axis],
  );
  if (!whole || !rowMajor) return null;
  if (deferred.parts++ > 0 && deferred.inputs.length > CHEAP_INPUTS) return null;
  return deferred;
}

/** Steps to be run in one kernel. */
class Chain implements Deferred {
  readonly shape: Shape;
  readonly step: Step;
  /** Each after its operands; the last is `step`. */
  readonly steps: readonly Step[];
  /** The arrays that are read, each once. */
  readonly inputs: readonly Strided[];
  /** How many other chains have taken it in. */
  parts = 0;
  readonly #device: Device;
  readonly #out: Slot;
  readonly #operands: ReadonlyMap<Step | Strided, string>;

  constructor(device: Device, out: Slot, shape: Shape, step: Step) {
    this.#device = device;
    this.#out = out;
    this.shape = shape;
    this.step = step;
    const steps: Step[] = [];
    const inputs = new Map<string, Strided>();
    const names = new Map<Step | Strided, string>();
    const slots = new Map<Slot, number>();
    const visit = (operand: Step | Strided): void => {
      if (names.has(operand)) return;
      if (isStep(operand)) {
        operand.operands.forEach(visit);
        names.set(operand, `r${steps.length}`);
        steps.push(operand);
        return;
      }
      const { slot, offset, strides } = operand;
      if (!slots.has(slot)) slots.set(slot, slots.size);
      const key = `${slots.get(slot)}/${offset}/${strides}`;
      if (!inputs.has(key)) inputs.set(key, operand);
      names.set(operand, LETTERS[[...inputs.keys()].indexOf(key)] ?? "");
    };
    visit(step);
    this.steps = steps;
    this.inputs = [...inputs.values()];
    this.#operands = names;
  }

  /** Counts the inputs as used until the chain has run or is forgotten. */
  hold(): void {
    for (const { slot } of this.inputs) slot.users++;
  }

  forget(): void {
    for (const { slot } of this.inputs) this.#device.drop(slot);
  }

  compute(): void {
    const [device, shape, signature] = [this.#device, this.shape, this.#signature()];
    if (this.steps.length > 1 && admits(device, signature)) {
      map(device, this.#out, shape, this.inputs, signature, this.#text(), this.#floats());
    } else this.#stepByStep();
    this.forget();
  }

  #stepByStep(): void {
    const slots = new Map<Step, Slot>();
    for (const step of this.steps) {
      const out = step === this.step ? this.#out : temporary(this.#out.length);
      const operands = step.operands.map((x) => (isStep(x) ? dense(slots.get(x)!, this.shape) : x));
      map(this.#device, out, this.shape, operands, step.name, step.text, step.floats);
      slots.set(step, out);
    }
    slots.delete(this.step);
    for (const slot of slots.values()) this.#device.drop(slot);
  }

  #named(step: Step): string[] {
    return step.operands.map((operand) => this.#operands.get(operand)!);
  }

  #signature(): string {
    return this.steps.map((step) => `${step.name}(${this.#named(step)})`).join(" ");
  }

  #floats(): Floats {
    return Object.fromEntries(
      this.steps.flatMap(({ floats }, k) =>
        Object.entries(floats).map(([name, value]) => [`${name}_${k}`, value]),
      ),
    );
  }

  #text(): string {
    // JavaScript alone would carry double precision from step to step.
    const round = (k: number): string => (this.#device.mode === "cpu" ? `\nr${k} = Math.fround(r${k});` : "");
    const parts = this.steps.map(
      (step, k) => `let r${k} = 0.5;\n${partOf(step, k, this.#named(step))}${round(k)}`,
    );
    return `${parts.join("\n")}\nreturn r${parts.length - 1};`;
  }
}

/** The text of a step that sets r0, r1, ... instead of returning; what it names has the step's number. */
function partOf({ text, floats }: Step, k: number, operands: readonly string[]): string {
  const renamed = new Map<string, string>();
  for (const [, name] of text.matchAll(/\b(?:const|let) (\w+)/g)) renamed.set(name!, `${name}_${k}`);
  for (const name of Object.keys(floats)) renamed.set(name, `${name}_${k}`);
  operands.forEach((name, i) => {
    renamed.set(LETTERS[i]!, name);
  });
  const own = text.replace(/(?<![\w.])[a-zA-Z]\w*/g, (name) => renamed.get(name) ?? name);
  return assigned(own, `r${k}`);
}

/** Statements that set `target` where `text` returns. After `if (x) { return y; }` the rest becomes the else. */
function assigned(text: string, target: string): string {
  const done: string[] = [];
  let rest = text.trim();
  while (rest !== "") {
    if (rest.startsWith("return ")) {
      done.push(`${target} = ${rest.slice("return ".length, rest.indexOf(";"))};`);
      break;
    }
    if (!rest.startsWith("if (")) {
      const end = rest.indexOf(";") + 1;
      done.push(rest.slice(0, end));
      rest = rest.slice(end).trim();
      continue;
    }
    const condition = enclosed(rest, rest.indexOf("("));
    const then = enclosed(rest, rest.indexOf("{", condition.end));
    const [otherwise, end] = /^\s*else \{/.test(rest.slice(then.end))
      ? ((block) => [block.inside, block.end] as const)(enclosed(rest, rest.indexOf("{", then.end)))
      : (["", then.end] as const);
    const after = rest.slice(end).trim();
    if (rest.slice(0, end).includes("return ")) {
      const branch = (block: string): string => assigned(`${block}\n${after}`, target);
      done.push(`if (${condition.inside}) {\n${branch(then.inside)}\n} else {\n${branch(otherwise)}\n}`);
      break;
    }
    done.push(rest.slice(0, end));
    rest = after;
  }
  return done.join("\n");
}

/** What stands between the bracket at `start` and its partner, and the place behind that. */
function enclosed(text: string, start: number): { readonly inside: string; readonly end: number } {
  let depth = 0;
  let end = start;
  do {
    if ("({".includes(text[end]!)) depth++;
    if (")}".includes(text[end]!)) depth--;
    end++;
  } while (depth > 0);
  return { inside: text.slice(start + 1, end - 1), end };
}
