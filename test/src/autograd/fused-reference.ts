// A backend that has a "kernel" for every fused op: its own definition. On it each fused op is one node of
// the graph, so the direct gradient rules can be tested in float64, without any real kernel.
import * as e from "@echo-ts/tensor";
import * as internal from "@echo-ts/tensor/internal";

const reference = e.findBackend("reference");

const kernels: Record<string, unknown> = { ...reference.kernels };
for (const [op, row] of Object.entries(internal.OPS)) {
  if (row.kind !== "fused" || op in reference.kernels) continue;
  const definition = row.definition as internal.Definition<unknown>;
  kernels[op] = (out: e.View, inputs: readonly e.View[], params: unknown): boolean => {
    const constants = inputs.map((x) => new e.Tensor(x.storage, x.shape, x.strides, x.offset));
    out.storage.data.set(definition(constants, params).dataSync());
    return true;
  };
}

/** The reference backend with fused ops computed as one. */
export const fusedReference: e.Backend = {
  ...reference,
  name: "fused-reference",
  kernels: kernels,
  allocate: (dtype, length) => owned(reference.allocate(dtype, length)),
  upload: (dtype, data) => owned(reference.upload(dtype, data)),
};

/** The same storage, but of this backend. */
function owned(storage: e.Storage): e.Storage {
  return {
    backend: fusedReference,
    dtype: storage.dtype,
    length: storage.length,
    data: storage.data,
    owner: null,
    closedBy: null,
    version: 0,
  };
}
