// Parameters that several ops or kernels share. Those of a single op are declared with its row, in ops/.
// Read next: tensor.ts, apply.ts.

/** One axis, counted from the start. */
export interface AxisParams {
  readonly axis: number;
}

/** Reduction over some axes. */
export interface ReduceParams {
  /** Counted from the start, ascending. */
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

/** Sliding windows along an axis, see `unfoldView`. */
export interface WindowParams {
  readonly axis: number;
  readonly size: number;
  readonly step: number;
  readonly dilation: number;
}

/** 1-D convolution as in PyTorch. */
export interface Conv1dParams {
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
  readonly groups: number;
}

/** Scaled dot-product attention. */
export interface AttentionParams {
  /** Factor on the scores. */
  readonly scale: number;
  /** Let query i see the keys 0 .. i only. */
  readonly causal: boolean;
}

/** Cross entropy of class indices. */
export interface CrossEntropyParams {
  /** Rows with this label count nothing; null for none. */
  readonly ignoreIndex: number | null;
  /** Share of the target spread evenly over all classes. */
  readonly labelSmoothing: number;
}

/** Connectionist temporal classification. */
export interface CtcParams {
  /** Class that stands for "no label". */
  readonly blank: number;
}
