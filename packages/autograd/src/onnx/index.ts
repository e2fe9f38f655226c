// The public surface of @echo-ts/autograd/onnx: functions of tensors as ONNX files. Read next: export-onnx.ts.

export { exportOnnx, type OnnxOptions } from "./export-onnx.ts";
export { Graph } from "./graph.ts";
export type { Attribute, OnnxType } from "./model-file.ts";
export { OnnxError } from "./onnx-error.ts";
export { OnnxCall, type OnnxRow, type OnnxRows, type Write } from "./rows/row.ts";
export { ONNX_ROWS } from "./rows.ts";
