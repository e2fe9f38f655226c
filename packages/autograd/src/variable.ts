// Tensors that gradients are taken of, and switches: variable, Parameter, detach, noGrad. Read next: vjps.ts.

import { assign, copy, DtypeError, formatShape, isFloating, keep, ShapeError, Tensor } from "@echo-ts/tensor";
import { checkFunction, checkTensors, lasting, wrongArgument } from "@echo-ts/tensor/internal";
import { leaf } from "./backward.ts";
import { engine, withRecording } from "./engine.ts";
import { GradientError } from "./errors.ts";
import { type GradientHook, type Node, nodeOf, untracedHandle } from "./node.ts";
import { setGradient } from "./tape.ts";

function checkFloating(what: string, x: Tensor): void {
  if (!(x instanceof Tensor)) throw wrongArgument(what, "x", "a tensor such as tensor([1, 2])", x);
  if (!isFloating(x.dtype)) {
    throw new DtypeError(
      `${what}: only float32 and float64 carry gradients, got ${x.dtype}; convert with cast(x, "float32")`,
    );
  }
}

/**
 * A leaf of the graph: gradients with respect to it are accumulated in its `grad`. Shares storage with x but
 * not its history.
 *
 * @throws DtypeError unless x is float32 or float64
 * @example const x = variable(tensor([1, 2])); x.square().sum().backward(); x.grad.toArray() // [2, 4]
 */
export function variable(x: Tensor): Tensor {
  checkFloating("variable", x);
  const handle = detach(x);
  handle.trace = leaf();
  return handle;
}

/**
 * The same values as a constant: no gradient flows through. Shares storage, which stays readable for as long as
 * you hold it (see `keep` of @echo-ts/tensor).
 *
 * @example detach(variable(ones([2])).mul(2)).requiresGrad // false
 */
export function detach(x: Tensor): Tensor {
  checkTensors("detach", { x });
  return untracedHandle(keep(x));
}

/** A trainable tensor with storage of its own, which optimisers write in place. */
export class Parameter extends Tensor {
  readonly #leaf: Node;

  /**
   * @param initial float32 or float64; copied
   * @param name dotted path in the module tree, for messages
   */
  constructor(initial: Tensor, name = "") {
    checkFloating("Parameter", initial);
    const { storage, shape, strides, offset } = ownCopy(initial);
    super(storage, shape, strides, offset);
    lasting.adopt(this);
    this.#leaf = leaf();
    this.#leaf.name = name;
    this.trace = this.#leaf;
  }

  /** Dotted path in the module tree, such as "encoder.0.weight"; "" when it has none. */
  get name(): string {
    return this.#leaf.name;
  }

  set name(name: string) {
    this.#leaf.name = name;
  }

  /** Whether gradients are taken of it; set to false to freeze it. */
  override get requiresGrad(): boolean {
    return this.trace !== null;
  }

  override set requiresGrad(wanted: boolean) {
    this.trace = wanted ? this.#leaf : null;
  }

  /** Gradient accumulated by `backward`, or null. `zeroGrad` gives its memory back, unless you `keep` it. */
  override get grad(): Tensor | null {
    return this.#leaf.grad;
  }

  override set grad(gradient: Tensor | null) {
    if (gradient !== null && formatShape(gradient.shape) !== formatShape(this.shape)) {
      throw new ShapeError(
        `Parameter: the gradient of "${this.name}" must be ${formatShape(this.shape)}, got ${formatShape(gradient.shape)}`,
      );
    }
    this.#leaf.grad = gradient;
  }

  /**
   * Overwrites the values in place. Not differentiated; a graph that used the old values can no longer be
   * taken backward.
   *
   * @throws ShapeError if the shape differs
   */
  assign(values: Tensor): void {
    assign(this, values);
  }
}

function ownCopy(x: Tensor): Tensor {
  return noGrad(() => copy(x));
}

/**
 * Runs `body` without recording: results carry no gradient and cost no memory for it. Synchronous only: what
 * an async body does after its first await is recorded again.
 *
 * @example noGrad(() => variable(ones([2])).mul(2).requiresGrad) // false
 */
export function noGrad<T>(body: () => T): T {
  checkFunction("noGrad", "body", body);
  return withRecording(false, body);
}

/** True unless inside `noGrad`. */
export function isGradEnabled(): boolean {
  return engine.recording;
}

/** Forgets the gradients of leaves and gives their memory back, except of those that you `keep`. */
export function zeroGrad(leaves: Iterable<Tensor>): void {
  if (typeof leaves?.[Symbol.iterator] !== "function" || typeof leaves === "string") {
    throw wrongArgument("zeroGrad", "leaves", "a list of variables or parameters", leaves);
  }
  for (const x of leaves) {
    checkTensors("zeroGrad", { "each leaf": x });
    const holder = x instanceof Parameter ? x : nodeOf(x);
    if (holder !== null && holder.grad !== null) setGradient(holder, null);
  }
}

/**
 * Calls `hook` with the gradient of a traced value (a leaf or any intermediate result) each time `backward`
 * has computed it; what the hook returns, if anything, takes its place. For a leaf this is the gradient
 * of that backward alone, before it is accumulated.
 *
 * @returns a function that removes the hook
 * @throws GradientError if x is a constant
 * @example onGradient(hidden, (g) => console.log(g.norm().item()))
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a hook that only looks returns nothing
export function onGradient(x: Tensor, hook: (gradient: Tensor) => Tensor | void): () => void {
  checkTensors("onGradient", { x });
  checkFunction("onGradient", "hook", hook);
  const node = nodeOf(x);
  if (node === null) {
    throw new GradientError("onGradient: the tensor is a constant, no gradient will reach it");
  }
  const added: GradientHook = (gradient) => hook(gradient) ?? undefined;
  node.hooks = [...(node.hooks ?? []), added];
  return () => {
    node.hooks = node.hooks?.filter((other) => other !== added) ?? null;
    if (node.hooks?.length === 0) node.hooks = null;
  };
}
