// Elementwise kernels, exported by the names of their ops: one function of numbers each, mapped over strided views.

import type { Kernel } from "../../backend.ts";
import type { Op } from "../../op-table.ts";
import { errorFunction } from "./special.ts";
import { eachRow, operand } from "./strided.ts";

/** A kernel that maps one input through `f`. */
function map<P extends Op>(f: (x: number) => number): Kernel<P> {
  return (out, [a]) => {
    const y = out.storage.data;
    const x = operand(a!);
    let next = 0;
    eachRow(a!.shape, [x], ([at], count, [step]) => {
      for (let i = 0, p = at!; i < count; i++, p += step!) y[next++] = f(x.data[p]!);
    });
    return true;
  };
}

/** A kernel that combines two inputs, stretched to the output's shape, through `f`. */
function zip<P extends Op>(f: (x: number, y: number) => number): Kernel<P> {
  return (out, [a, b]) => {
    const z = out.storage.data;
    const x = operand(a!, out.shape);
    const y = operand(b!, out.shape);
    let next = 0;
    eachRow(out.shape, [x, y], ([p0, q0], count, [dp, dq]) => {
      for (let i = 0, p = p0!, q = q0!; i < count; i++, p += dp!, q += dq!)
        z[next++] = f(x.data[p]!, y.data[q]!);
    });
    return true;
  };
}

/** Remainder with the sign of the divisor. */
function floorMod(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

/** Python's a // b: the quotient by the exact remainder, so that rounding a / b never carries it over a whole number. */
function floorQuotient(a: number, b: number): number {
  if (b === 0) return a / b;
  const rest = a % b;
  const carried = rest !== 0 && rest < 0 !== b < 0 ? 1 : 0;
  const quotient = Math.round((a - rest) / b - carried);
  return quotient === 0 ? 0 * (a / b) : quotient;
}

/** C's pow: 1 to anything is 1, and so is -1 to an infinite power; JavaScript says NaN. */
function power(x: number, y: number): number {
  return x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY) ? 1 : x ** y;
}

/** base^exponent of int32, wrapped; fractions become 0. */
function integerPower(base: number, exponent: number): number {
  if (exponent < 0) return base === 1 ? 1 : base === -1 ? (exponent % 2 === 0 ? 1 : -1) : 0;
  let out = 1;
  for (let square = base, rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) out = Math.imul(out, square);
    square = Math.imul(square, square);
  }
  return out;
}

export const neg: Kernel<"neg"> = map((x) => -x);
export const exp: Kernel<"exp"> = map(Math.exp);
export const expm1: Kernel<"expm1"> = map(Math.expm1);
export const log: Kernel<"log"> = map(Math.log);
export const log1p: Kernel<"log1p"> = map(Math.log1p);
export const sqrt: Kernel<"sqrt"> = map(Math.sqrt);
export const sin: Kernel<"sin"> = map(Math.sin);
export const cos: Kernel<"cos"> = map(Math.cos);
export const tanh: Kernel<"tanh"> = map(Math.tanh);
export const erf: Kernel<"erf"> = map(errorFunction);
export const floor: Kernel<"floor"> = map(Math.floor);
export const asin: Kernel<"asin"> = map(Math.asin);
export const acos: Kernel<"acos"> = map(Math.acos);
export const atan: Kernel<"atan"> = map(Math.atan);
export const sinh: Kernel<"sinh"> = map(Math.sinh);
export const cosh: Kernel<"cosh"> = map(Math.cosh);
export const asinh: Kernel<"asinh"> = map(Math.asinh);
export const acosh: Kernel<"acosh"> = map(Math.acosh);
export const atanh: Kernel<"atanh"> = map(Math.atanh);
export const log2: Kernel<"log2"> = map(Math.log2);

export const add: Kernel<"add"> = zip((x, y) => x + y);
export const sub: Kernel<"sub"> = zip((x, y) => x - y);
export const div: Kernel<"div"> = zip((x, y) => x / y);
export const mod: Kernel<"mod"> = zip(floorMod);
export const floorDivide: Kernel<"floorDivide"> = zip(floorQuotient);
export const fmod: Kernel<"fmod"> = zip((x, y) => x % y);
export const atan2: Kernel<"atan2"> = zip(Math.atan2);
export const maximum: Kernel<"maximum"> = zip(Math.max);
export const less: Kernel<"less"> = zip((x, y) => (x < y ? 1 : 0));
export const equal: Kernel<"equal"> = zip((x, y) => (x === y ? 1 : 0));

const mulFloat: Kernel<"mul"> = zip((x, y) => x * y);
const mulInt: Kernel<"mul"> = zip(Math.imul);

/** Products of int32 wrap around, as in C; a product of two doubles would have lost low bits. */
export const mul: Kernel<"mul"> = (out, inputs, params) =>
  (out.storage.dtype === "int32" ? mulInt : mulFloat)(out, inputs, params);

const powFloat: Kernel<"pow"> = zip(power);
const powInt: Kernel<"pow"> = zip(integerPower);

/** Powers of int32 wrap around, as their products do. */
export const pow: Kernel<"pow"> = (out, inputs, params) =>
  (out.storage.dtype === "int32" ? powInt : powFloat)(out, inputs, params);

/** Conversion, and the strided copy when the dtype stays. */
export const cast: Kernel<"cast"> = (out, inputs, params) => {
  const toBool = params.dtype === "bool";
  return (toBool ? truthMap : plainMap)(out, inputs, params);
};
const truthMap: Kernel<"cast"> = map((x) => (x !== 0 ? 1 : 0));
const plainMap: Kernel<"cast"> = map((x) => x);

export const where: Kernel<"where"> = (out, [condition, a, b]) => {
  const z = out.storage.data;
  const c = operand(condition!, out.shape);
  const x = operand(a!, out.shape);
  const y = operand(b!, out.shape);
  let next = 0;
  eachRow(out.shape, [c, x, y], ([c0, p0, q0], count, [dc, dp, dq]) => {
    for (let i = 0; i < count; i++) {
      z[next++] = c.data[c0! + i * dc!] !== 0 ? x.data[p0! + i * dp!]! : y.data[q0! + i * dq!]!;
    }
  });
  return true;
};
