// A WebGPU that computes nothing, so that what happens on the host can be tested without a GPU: how many kernels run,
// and what is held.

/** Commands so far. */
export interface Counts {
  submits: number;
}

class NullBuffer {
  readonly size: number;

  constructor({ size }: { size: number }) {
    this.size = size;
  }

  getMappedRange(): ArrayBuffer {
    return new ArrayBuffer(this.size);
  }

  async mapAsync(): Promise<void> {}
  unmap(): void {}
  destroy(): void {}
}

/** Puts it where a page has WebGPU. */
export function installNullWebGpu(): Counts {
  const counts: Counts = { submits: 0 };
  const nothing = (): void => {};
  const limits = {
    maxStorageBufferBindingSize: 2 ** 31,
    maxBufferSize: 2 ** 31,
    maxComputeWorkgroupsPerDimension: 65535,
  };
  const pass = { setPipeline: nothing, setBindGroup: nothing, dispatchWorkgroups: nothing, end: nothing };
  const device = {
    limits,
    lost: new Promise(nothing),
    addEventListener: nothing,
    pushErrorScope: nothing,
    popErrorScope: async () => null,
    createShaderModule: () => ({ getCompilationInfo: async () => ({ messages: [] }) }),
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createComputePipeline: () => ({}),
    createBindGroup: () => ({}),
    createBuffer: (options: { size: number }) => new NullBuffer(options),
    createCommandEncoder: () => ({
      beginComputePass: () => pass,
      copyBufferToBuffer: nothing,
      finish: () => ({}),
    }),
    queue: {
      submit: () => {
        counts.submits++;
      },
      writeBuffer: nothing,
    },
  };
  const adapter = { info: { vendor: "null" }, limits, requestDevice: async () => device };
  const gpu = { requestAdapter: async () => adapter };
  Object.defineProperty(globalThis, "navigator", { value: { gpu }, configurable: true });
  return counts;
}
