// Initialisers, and the declaration of parameters that carry one. A parameter is drawn from a random stream
// named after its dotted name, so that adding a layer does not reshuffle the others.
// Read next: module.ts, which names the streams.

import {
  ArgumentError,
  type DType,
  type FloatArray,
  full,
  type RandomStream,
  type Shape,
  ShapeError,
  tensor,
} from "@echo-ts/tensor";
import { checkOptions, hostElements, type OptionKinds, wrongArgument } from "@echo-ts/tensor/internal";
import { Parameter } from "../variable.ts";

/**
 * Fills a parameter's elements.
 *
 * @param out the elements, row-major
 * @param shape the parameter's shape
 * @param random the parameter's own stream
 */
export type Initializer = (out: FloatArray, shape: Shape, random: RandomStream) => void;

/** Values of the initialisers that draw nothing, so that `parameter` can apply them at once. */
const constants = new WeakMap<Initializer, number>();

/** Every element the same. */
export function constantInit(value: number): Initializer {
  if (typeof value !== "number") throw wrongArgument("constantInit", "value", "a number", value);
  const fill: Initializer = (out) => {
    // zerosInit() in place of zerosInit, as the initialisers with arguments are written.
    if (out === undefined) {
      throw new ArgumentError(
        "constantInit: this is an initialiser already; pass zerosInit or onesInit without calling it",
      );
    }
    out.fill(value);
  };
  constants.set(fill, value);
  return fill;
}

/** Every element 0. */
export const zerosInit: Initializer = constantInit(0);

/** Every element 1. */
export const onesInit: Initializer = constantInit(1);

/**
 * Uniform in [low, high).
 *
 * @param low default 0. @param high default 1.
 */
export function uniformInit(low = 0, high = 1): Initializer {
  return (out, _, random) => {
    random.fillUniform(out, low, high);
  };
}

/**
 * Normal.
 *
 * @param mean default 0. @param std default 1.
 */
export function normalInit(mean = 0, std = 1): Initializer {
  return (out, _, random) => {
    random.fillNormal(out, mean, std);
  };
}

/**
 * Normal, conditioned on lying in [low, high]; the bounds are values, not numbers of deviations.
 * PyTorch's `trunc_normal_`.
 *
 * @param mean default 0. @param std default 1. @param low default -2. @param high default 2.
 */
export function truncatedNormalInit(mean = 0, std = 1, low = -2, high = 2): Initializer {
  return (out, _, random) => {
    random.fillTruncatedNormal(out, mean, std, low, high);
  };
}

/**
 * How many inputs feed one output of a weight, and how many outputs one input feeds.
 * Weight [out, in, ...taps] -> in * taps and out * taps, as PyTorch counts them.
 *
 * @throws ShapeError for fewer than 2 axes
 * @example fans([8, 4, 3]) // { fanIn: 12, fanOut: 24 }
 */
export function fans(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length < 2) {
    throw new ShapeError(
      `fans: expected a weight of rank 2 or more, got shape [${shape.join(", ")}]; use uniformInit or normalInit for vectors`,
    );
  }
  const taps = shape.slice(2).reduce((product, size) => product * size, 1);
  return { fanIn: shape[1]! * taps, fanOut: shape[0]! * taps };
}

/**
 * Uniform within gain sqrt(6 / (fanIn + fanOut)). Glorot and Bengio 2010, equation 16.
 *
 * @param gain default 1
 */
export function xavierUniformInit(gain = 1): Initializer {
  return (out, shape, random) => {
    const { fanIn, fanOut } = fans(shape);
    fillSymmetric(out, gain * Math.sqrt(6 / (fanIn + fanOut)), random);
  };
}

/**
 * Normal with deviation gain sqrt(2 / (fanIn + fanOut)). Glorot and Bengio 2010.
 *
 * @param gain default 1
 */
export function xavierNormalInit(gain = 1): Initializer {
  return (out, shape, random) => {
    const { fanIn, fanOut } = fans(shape);
    random.fillNormal(out, 0, gain * Math.sqrt(2 / (fanIn + fanOut)));
  };
}

/** Options of the Kaiming initialisers. */
export interface KaimingOptions {
  /** Keep the variance of activations ("in", default) or of gradients ("out"). */
  readonly fan?: "in" | "out";
  /** Factor for the nonlinearity that follows, default sqrt(2) for relu; see {@link nonlinearityGain}. */
  readonly gain?: number;
}

const KAIMING_OPTIONS: OptionKinds<KaimingOptions> = { fan: ["in", "out"], gain: "number" };

/** Uniform within gain sqrt(3 / fan). He et al. 2015. */
export function kaimingUniformInit(options: KaimingOptions = {}): Initializer {
  checkOptions("kaimingUniformInit", options, KAIMING_OPTIONS);
  const { fan = "in", gain = Math.SQRT2 } = options;
  return (out, shape, random) => {
    fillSymmetric(out, gain * Math.sqrt(3 / fanOf(shape, fan)), random);
  };
}

/** Normal with deviation gain / sqrt(fan). He et al. 2015. */
export function kaimingNormalInit(options: KaimingOptions = {}): Initializer {
  checkOptions("kaimingNormalInit", options, KAIMING_OPTIONS);
  const { fan = "in", gain = Math.SQRT2 } = options;
  return (out, shape, random) => {
    random.fillNormal(out, 0, gain / Math.sqrt(fanOf(shape, fan)));
  };
}

/**
 * The gain that PyTorch recommends before a nonlinearity (`torch.nn.init.calculate_gain`).
 *
 * @param slope of leaky_relu, default 0.01
 */
export function nonlinearityGain(
  name: "linear" | "sigmoid" | "tanh" | "relu" | "leaky_relu" | "selu",
  slope = 0.01,
): number {
  switch (name) {
    case "tanh":
      return 5 / 3;
    case "relu":
      return Math.SQRT2;
    case "leaky_relu":
      return Math.sqrt(2 / (1 + slope * slope));
    case "selu":
      return 3 / 4;
    default:
      return 1;
  }
}

/** Uniform within 1 / sqrt(fanIn): what PyTorch gives to weights and biases of linear and convolution layers. */
export function fanInUniformInit(fanIn: number): Initializer {
  return (out, _, random) => {
    fillSymmetric(out, 1 / Math.sqrt(fanIn), random);
  };
}

function fanOf(shape: Shape, fan: "in" | "out"): number {
  const { fanIn, fanOut } = fans(shape);
  return fan === "in" ? fanIn : fanOut;
}

/** A size of 0 somewhere makes the bound infinite, but then there is nothing to fill either. */
function fillSymmetric(out: FloatArray, bound: number, random: RandomStream): void {
  if (out.length > 0 && bound > 0) random.fillUniform(out, -bound, bound);
}

/** Options of {@link parameter}. */
export interface ParameterOptions {
  /** float32 (default) or float64. */
  readonly dtype?: "float32" | "float64";
}

/** The kinds of {@link ParameterOptions}, for the layers that take them on. */
export const PARAMETER_OPTIONS: OptionKinds<ParameterOptions> = { dtype: ["float32", "float64"] };

const initializers = new WeakMap<Parameter, Initializer>();
/** Parameters that may still hold the NaN they were declared with. */
const undrawn = new WeakSet<Parameter>();

/**
 * Declares a parameter and how it is to be initialised. Its elements are NaN until `Module.initialize` draws
 * them or a state dict is loaded, so that a forgotten initialisation shows at once; constants are there from
 * the start.
 *
 * @param shape any
 * @param initializer default zeros
 * @example class Scale extends Module { readonly weight = parameter([8], onesInit); }
 */
export function parameter(
  shape: Shape,
  initializer: Initializer = zerosInit,
  options: ParameterOptions = {},
): Parameter {
  checkOptions("parameter", options, PARAMETER_OPTIONS);
  const { dtype = "float32" } = options;
  if (typeof initializer !== "function") {
    throw wrongArgument("parameter", "the initialiser", "a function such as onesInit", initializer);
  }
  const constant = constants.get(initializer);
  const declared = new Parameter(full(shape, constant ?? Number.NaN, { dtype }));
  initializers.set(declared, initializer);
  if (constant === undefined) undrawn.add(declared);
  return declared;
}

/**
 * Gives the parameter back, unless nobody has given it values yet: then computing with it would give NaN.
 *
 * @param layer the class of the module that is about to compute, for the message
 * @param name the field
 * @throws Error if the parameter was declared by {@link parameter} and neither drawn, loaded nor assigned since
 */
export function drawn<P extends Parameter | null>(layer: string, name: string, value: P): P {
  if (value === null || !undrawn.has(value)) return value;
  if (value.backend.host && value.size > 0 && Number.isNaN(hostElements(value)[0])) {
    throw new Error(
      `${layer}: ${name} has no values yet; call initialize(seed) on the whole model or load weights. A layer in a #private field is not found by either: hold it in a public field, an object literal, an array or a Map`,
    );
  }
  undrawn.delete(value);
  return value;
}

/**
 * Draws the parameter anew by the initialiser it was declared with; does nothing if it was not declared by
 * {@link parameter}.
 */
export function drawParameter(target: Parameter, random: RandomStream): void {
  const initializer = initializers.get(target);
  if (initializer === undefined) return;
  const { shape, size, backend } = target;
  const dtype: DType = target.dtype;
  const values = dtype === "float64" ? new Float64Array(size) : new Float32Array(size);
  initializer(values, shape, random);
  target.assign(tensor(values, { shape, backend }));
}
