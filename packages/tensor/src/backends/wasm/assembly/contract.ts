// What the kernels and their host agree on: numbers, and the records that calls with many arguments read
// from memory. The build (scripts/kernel-contract.mjs) copies all of it, with the signature of every
// exported kernel, into generated/contract.ts, so nothing here is written a second time by hand. It reads
// three forms only: constants, const enums and unmanaged classes, one name on a line, comments before it.
// A field with `= 0` may be left out by the host.
// Read next: gemm.ts.

/** Bytes at the start of the memory that belong to the constants of the modules. */
export const STATIC_BYTES: i32 = 65536;
/** Bytes of scratch memory of each thread. */
export const SCRATCH_BYTES: i32 = 1048576;
/** Where in its scratch memory a kernel builds the records of products that it starts itself. */
export const SCRATCH_RECORD: i32 = 1044480;

/** Axes of a layout record: the rank, then this many sizes, then as many strides, all int32. */
export const MAX_RANK: i32 = 8;
/** Layout of an operand that lies densely in row-major order. */
export const DENSE: usize = 0;
/** Layout of an operand that is one element, repeated. */
export const SCALAR: usize = 1;

/** Elements per partial sum of a long row. */
export const PART: i32 = 65536;
/** Bytes that the weights' gradient of a norm keeps of each row. */
export const STATS_BYTES: usize = 12;
/** Query rows that attention works on at a time; fixed, because sums over blocks depend on it. */
export const QUERY_BLOCK: i32 = 96;

/** Numbers of the elementwise operations on one operand, named as the ops are. */
export const enum Unary {
  neg,
  exp,
  expm1,
  log,
  log1p,
  sqrt,
  sin,
  cos,
  tanh,
  erf,
  floor,
  abs,
  square,
  reciprocal,
  rsqrt,
  round,
  sigmoid,
  relu,
  softplus,
  gelu,
  geluTanh,
  silu,
  elu,
  leakyRelu,
}

/** Numbers of the elementwise operations on two operands; those of gradients take (gradient, input or output). */
export const enum Binary {
  add,
  sub,
  mul,
  div,
  maximum,
  minimum,
  reluGrad,
  geluTanhGrad,
  geluGrad,
  siluGrad,
  tanhGrad,
  sigmoidGrad,
  pow,
  mod,
  atan2,
}

/** Numbers of the comparisons. */
export const enum Compare {
  less,
  equal,
}

/** Numbers of the dtypes. */
export const enum ElementType {
  float32,
  int32,
  bool,
  float64,
}

/**
 * A matrix product C = A B, once for each batch entry. Element (i, p) of A lies `i aRow + p aColumn` behind
 * `a`, element (p, j) of B `p bRow + j bColumn` behind `b`, element (i, j) of C `i cRow + j` behind `c`, and
 * the next batch entry `aBatch`, `bBatch` and `cBatch` further. Addresses are in bytes, the rest in elements.
 */
@unmanaged
export class Product {
  /** Terms of each sum. */
  k: i32;
  a: usize;
  aRow: i32;
  aColumn: i32;
  aBatch: i32 = 0;
  b: usize;
  bRow: i32;
  bColumn: i32;
  bBatch: i32 = 0;
  /** 0, or the address of k int32 offsets that stand for p bRow (a convolution without copied windows). */
  rows: usize = 0;
  /** 0, or the address of n int32 offsets that stand for j bColumn. */
  columns: usize = 0;
  c: usize;
  cRow: i32;
  cBatch: i32 = 0;
  /** 1 adds to C, 0 replaces it. */
  accumulate: i32 = 0;
  /** 0, or the address of a vector that is added to every row of C. */
  bias: usize = 0;
  /** 1 takes the bias as a column, one value for each row of C. */
  biasPerRow: i32 = 0;
}

/** Attention, forward and backward: offsets and strides in elements, the rest addresses or sizes. */
@unmanaged
export class Attention {
  queries: i32;
  keys: i32;
  /** Width of queries and keys. */
  depth: i32;
  /** Width of values. */
  width: i32;
  qRow: i32;
  kRow: i32;
  vRow: i32;
  biasRow: i32;
  causal: i32;
  scale: f32;
  q: usize;
  k: usize;
  v: usize;
  /** Or 0. */
  bias: usize;
  /**
   * Forward [heads, queries, width], or 0 for the weights alone. Backward for each head dq [queries, depth], dk [keys,
   * depth], dv [keys, width] and, if wanted, the gradient [keys] of a bias for all queries, end to end.
   */
  out: usize;
  /** [heads, queries, keys], or 0: to keep none, and in the backward pass where none were kept. */
  weights: usize = 0;
  /** Five int32 for each head: offsets of q, k, v, bias and g. */
  offsets: usize;
  /** The gradient of the output [heads, queries, width]; read by the backward pass only. */
  g: usize = 0;
  gRow: i32 = 0;
  /** 1 if the backward pass is to give the gradient of the bias too. */
  biasGrad: i32 = 0;
}

/** Cross entropy of rows of logits and its gradient. */
@unmanaged
export class CrossEntropy {
  /** [rows, classes] */
  logits: usize;
  classes: i32;
  /** [rows], int32, checked by the host. */
  labels: usize;
  /** One weight for each class, or 0. */
  weights: usize;
  smoothing: f32;
  /** 1 if rows with the label `ignored` count nothing. */
  ignores: i32;
  ignored: i32;
  /** The gradient of each row's loss; not read by the forward pass. */
  g: usize;
  out: usize;
}

/** A depthwise convolution: one kernel for each channel of padded signals. */
@unmanaged
export class Depthwise {
  batch: i32;
  channels: i32;
  /** [batch, channels, padded] */
  x: usize;
  padded: i32;
  /** [channels, taps]; not read by the gradient of the weights. */
  weights: usize;
  taps: i32;
  stride: i32;
  dilation: i32;
  /** [channels], or 0; not read by the gradient of the weights. */
  bias: usize;
  frames: i32;
  /** [batch, channels, frames]; read by the gradient of the weights only. */
  g: usize;
  /** [batch, channels, frames], or [channels, taps] for the gradient of the weights. */
  out: usize;
}

/** One step of AdamW with the settings of PyTorch's. */
@unmanaged
export class AdamUpdate {
  learningRate: f64;
  beta1: f64;
  beta2: f64;
  epsilon: f64;
  weightDecay: f64;
  /** 1 - beta1^t */
  correction1: f64;
  /** 1 - beta2^t */
  correction2: f64;
  weights: usize;
  gradient: usize;
  mean: usize;
  square: usize;
}

/** One step of SGD with the settings of PyTorch's. */
@unmanaged
export class SgdUpdate {
  learningRate: f64;
  momentum: f64;
  weightDecay: f64;
  weights: usize;
  gradient: usize;
  /** Or 0 for plain SGD. */
  velocity: usize;
}
