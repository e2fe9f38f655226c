// Elementwise kernels: one text per op, of the inputs' elements a, b, c.
// Functions that shading languages compute loosely (sine to 2^-11) or undefined (log of 0, tanh of 100) are
// spelled out. Read next: rows.ts.

import type { Kernel, Kernels } from "../../backend.ts";
import type { Op, OpParams } from "../../op-table.ts";
import { strided } from "./kernel-text.ts";
import { type Floats, kernel, map } from "./run.ts";

function elementwise<P extends Op>(
  op: P,
  text: string,
  floats: (params: OpParams[P]) => Floats = () => ({}),
  integers = false,
): Kernel<P> {
  return kernel<P>(
    (device, out, inputs, params, slot) => {
      const operands = inputs.map((view) => strided(view, out.shape));
      map(device, slot, out.shape, operands, op, text, floats(params));
      return true;
    },
    { integers },
  );
}

/** Text that sets `name` to e^x - 1: by its series near 0, where the difference would cancel. */
const expm1 = (name: string, x: string): string => `
let ${name} = 0.5;
const ${name}x = ${x};
if (Math.abs(${name}x) < 0.35) {
  const h = ${name}x;
  ${name} = h * (1 + h * 0.5 * (1 + h / 3 * (1 + h * 0.25 * (1 + h * 0.2 * (1 + h / 6 * (1 + h / 7 * (1 + h * 0.125)))))));
} else { ${name} = Math.exp(${name}x) - 1; }`;

/** Text that sets `name` to log(1 + x) for x > -1: near 0 by the series of 2 artanh(x / (2 + x)). */
const log1p = (name: string, x: string): string => `
let ${name} = 0.5;
const ${name}x = ${x};
if (Math.abs(${name}x) < 0.5) {
  const h = ${name}x / (2 + ${name}x);
  const q = h * h;
  ${name} = 2 * h * (1 + q * (1 / 3 + q * (0.2 + q * (1 / 7 + q * (1 / 9 + q / 11)))));
} else { ${name} = Math.log(1 + ${name}x); }`;

/** Text that sets `name` to tanh(x): by its series near 0, else from an exponential that cannot overflow. */
const tanh = (name: string, x: string): string => `
let ${name} = 0.5;
const ${name}x = ${x};
let ${name}m = Math.abs(${name}x);
if (${name}m > 15) { ${name}m = 15; }
if (${name}m < 0.35) {
  const q = ${name}x * ${name}x;
  ${name} = ${name}x * (1 - q * (1 / 3 - q * (2 / 15 - q * (17 / 315 - q * (62 / 2835 - q * 0.0088632356)))));
} else {
  ${name} = 1 - 2 / (Math.exp(2 * ${name}m) + 1);
  if (${name}x < 0) { ${name} = 0 - ${name}; }
}`;

/** Text that sets `name` to the logistic function of x; the exponential is only taken of negative numbers. */
const sigmoid = (name: string, x: string): string => `
let ${name} = 0.5;
const ${name}x = ${x};
const ${name}d = Math.exp(0 - Math.abs(${name}x));
if (${name}x < 0) { ${name} = ${name}d / (1 + ${name}d); } else { ${name} = 1 / (1 + ${name}d); }`;

/** Coefficients of erf's Maclaurin series without the factor 2 / sqrt(pi), (-1)^n / (n! (2n + 1)). */
const ERF_SERIES: readonly number[] = Array.from({ length: 11 }, (_, n) => {
  let factorial = 1;
  for (let i = 2; i <= n; i++) factorial *= i;
  return (n % 2 === 0 ? 1 : -1) / (factorial * (2 * n + 1));
});

/** a + z (b + z (c + ...)) as text. */
const horner = (z: string, coefficients: readonly number[]): string =>
  coefficients.reduceRight((text, c) => {
    const number = c < 0 ? `(0 - ${-c})` : `${c}`;
    return text === "" ? number : `(${number} + ${z} * ${text})`;
  }, "");

/** Text that sets `name` to erf(x): series within 1, Abramowitz and Stegun 7.1.26 (error 1.5e-7) beyond. */
const erf = (name: string, x: string): string => `
let ${name} = 0.5;
const ${name}x = ${x};
const ${name}q = ${name}x * ${name}x;
if (${name}q < 1) {
  ${name} = ${2 / Math.sqrt(Math.PI)} * ${name}x * ${horner(`${name}q`, ERF_SERIES)};
} else {
  const h = 1 / (1 + 0.3275911 * Math.abs(${name}x));
  let decay = Math.exp(0 - ${name}q);
  if (${name}q > 80) { decay = 0; }
  ${name} = 1 - h * (0.254829592 + h * (h * (1.421413741 + h * (h * 1.061405429 - 1.453152027)) - 0.284496736)) * decay;
  if (${name}x < 0) { ${name} = 0 - ${name}; }
}`;

const SINE_SERIES = [1, -1 / 6, 1 / 120, -1 / 5040, 1 / 362880, -1 / 39916800, 1 / 6227020800];

/**
 * Text that returns the sine of a, or its cosine: a less the nearest multiple k of pi (plus pi / 2), pi taken
 * in three parts of which the first two times k are exact, then the series; the sign is that of k's parity.
 */
const sine = (cosine: boolean): string => `
const half = Math.floor(a * ${1 / Math.PI}${cosine ? "" : " + 0.5"});
const turns = half${cosine ? " + 0.5" : ""};
const rest = ((a - turns * 3.140625) - turns * 0.0009670257568359375) - turns * 6.2783295e-7;
const q = rest * rest;
let v = rest * ${horner("q", SINE_SERIES)};
const parity = half - 2 * Math.floor(half * 0.5);
if (parity > 0.5) { v = 0 - v; }
return ${cosine ? "0 - v" : "v"};`;

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const GELU_CUBIC = 0.044715;

/** Kernels of the elementwise ops. mod and atan2 fall back: no device computes them to full precision. */
export const elementwiseKernels: Kernels = {
  neg: elementwise("neg", "return 0 - a;"),
  exp: elementwise(
    "exp",
    "if (a > 88.72284) { return inf; } if (a < 0 - 104) { return 0; } return Math.exp(a);",
  ),
  expm1: elementwise("expm1", `if (a > 88.72284) { return inf; }${expm1("v", "a")}\nreturn v;`),
  log: elementwise(
    "log",
    "if (a > 3.4028234e38) { return inf; } if (a > 0) { return Math.log(a); } if (a < 0) { return nan; } if (a <= 0) { return 0 - inf; } return nan;",
  ),
  log1p: elementwise(
    "log1p",
    `if (a > 3.4028234e38) { return inf; } if (a < 0 - 1) { return nan; } if (a <= 0 - 1) { return 0 - inf; }${log1p("v", "a")}\nreturn v;`,
  ),
  sqrt: elementwise("sqrt", "if (a < 0) { return nan; } return Math.sqrt(a);"),
  sin: elementwise("sin", sine(false)),
  cos: elementwise("cos", sine(true)),
  tanh: elementwise("tanh", `${tanh("v", "a")}\nreturn v;`),
  erf: elementwise("erf", `${erf("v", "a")}\nreturn v;`),
  floor: elementwise("floor", "return Math.floor(a);"),
  cast: castKernel(),

  add: elementwise("add", "return a + b;"),
  sub: elementwise("sub", "return a - b;"),
  mul: elementwise("mul", "return a * b;"),
  div: elementwise("div", "return a / b;"),
  pow: elementwise(
    "pow",
    `if (b === 0) { return 1; } if (b === 2) { return a * a; }
if (a > 0) { return Math.pow(a, b); }
if (a >= 0) { if (b > 0) { return 0; } if (b < 0) { return inf; } return nan; }
const whole = Math.floor(b);
if (whole < b) { return nan; }
const v = Math.pow(0 - a, b);
if (whole - 2 * Math.floor(whole * 0.5) > 0.5) { return 0 - v; }
return v;`,
  ),
  maximum: elementwise(
    "maximum",
    "if (a >= b) { return a; } if (b > a) { return b; } return nan;",
    undefined,
    true,
  ),
  minimum: elementwise(
    "minimum",
    "if (a <= b) { return a; } if (b < a) { return b; } return nan;",
    undefined,
    true,
  ),
  less: elementwise("less", "if (a < b) { return 1; } return 0;", undefined, true),
  equal: elementwise(
    "equal",
    "if (a < b) { return 0; } if (a > b) { return 0; } if (a <= b) { return 1; } return 0;",
    undefined,
    true,
  ),
  where: elementwise("where", "if (a > 0.5) { return b; } return c;", undefined, true),

  abs: elementwise("abs", "return Math.abs(a);"),
  square: elementwise("square", "return a * a;"),
  reciprocal: elementwise("reciprocal", "return 1 / a;"),
  rsqrt: elementwise(
    "rsqrt",
    "if (a > 0) { return 1 / Math.sqrt(a); } if (a < 0) { return nan; } if (a <= 0) { return inf; } return nan;",
  ),
  sigmoid: elementwise("sigmoid", `${sigmoid("v", "a")}\nreturn v;`),
  relu: elementwise("relu", "if (a <= 0) { return 0; } return a;"),
  softplus: elementwise(
    "softplus",
    `if (a > 20) { return a; }\nconst grown = Math.exp(a);${log1p("v", "grown")}\nreturn v;`,
  ),
  gelu: elementwise("gelu", `${erf("v", `a * ${Math.SQRT1_2}`)}\nreturn 0.5 * a * (1 + v);`),
  geluTanh: elementwise(
    "geluTanh",
    `${tanh("v", `a * ${SQRT_2_OVER_PI} * (1 + ${GELU_CUBIC} * a * a)`)}\nreturn 0.5 * a * (1 + v);`,
  ),
  silu: elementwise("silu", `${sigmoid("v", "a")}\nreturn a * v;`),
  elu: elementwise("elu", `if (a > 0) { return a; }${expm1("v", "a")}\nreturn alpha * v;`, ({ alpha }) => ({
    alpha,
  })),
  leakyRelu: elementwise("leakyRelu", "if (a > 0) { return a; } return a * slope;", ({ slope }) => ({
    slope,
  })),

  sigmoidGrad: elementwise("sigmoidGrad", "return a * b * (1 - b);"),
  tanhGrad: elementwise("tanhGrad", "return a * (1 - b * b);"),
  reluGrad: elementwise("reluGrad", "if (b > 0) { return a; } return 0;"),
  geluGrad: elementwise(
    "geluGrad",
    `${erf("v", `b * ${Math.SQRT1_2}`)}\nreturn a * (0.5 * (1 + v) + b * ${1 / Math.sqrt(2 * Math.PI)} * Math.exp(0 - 0.5 * b * b));`,
  ),
  geluTanhGrad: elementwise(
    "geluTanhGrad",
    `${tanh("v", `b * ${SQRT_2_OVER_PI} * (1 + ${GELU_CUBIC} * b * b)`)}
return a * 0.5 * (1 + v + b * (1 - v * v) * ${SQRT_2_OVER_PI} * (1 + ${3 * GELU_CUBIC} * b * b));`,
  ),
  siluGrad: elementwise("siluGrad", `${sigmoid("v", "b")}\nreturn a * v * (1 + b * (1 - v));`),
};

const TRUNCATE = "if (a < 0) { return Math.ceil(a); } return Math.floor(a);";
const TRUTH = "if (a > 0) { return 1; } if (a < 0) { return 1; } if (a >= 0) { return 0; } return 1;";

/** Conversion, and the strided copy when the dtype stays. */
function castKernel(): Kernel<"cast"> {
  return kernel<"cast">(
    (device, out, [x], { dtype }, slot) => {
      const from = x!.storage.dtype;
      const [name, text] =
        dtype === "bool" && from !== "bool"
          ? ["truth", TRUTH]
          : dtype === "int32" && from === "float32"
            ? ["truncate", TRUNCATE]
            : ["copy", "return a;"];
      map(device, slot, out.shape, [strided(x!)], name, text);
      return true;
    },
    { integers: true },
  );
}
