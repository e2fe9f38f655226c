// Running an ONNX file by onnxruntime-web: in WebAssembly, on one thread, with tensors of @echo-ts/tensor in and out.
import { type DType, type Tensor, tensor } from "@echo-ts/tensor";
import * as ort from "onnxruntime-web/wasm";

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

const arrayOf = (x: Tensor): ort.Tensor => {
  const data = x.dataSync().slice();
  return new ort.Tensor(x.dtype, data as never, [...x.shape]);
};

/** How far the runtime may rewrite a graph before it runs it. */
type Rewriting = "all" | "disabled";

/** A file that was opened. */
export class OnnxSession {
  readonly #session: ort.InferenceSession;

  private constructor(session: ort.InferenceSession) {
    this.#session = session;
  }

  /** Opens a file; onnxruntime refuses one whose graph, types or shapes do not fit. */
  static async open(file: Uint8Array, rewriting: Rewriting = "all"): Promise<OnnxSession> {
    const graphOptimizationLevel = rewriting;
    return new OnnxSession(
      await ort.InferenceSession.create(file, {
        executionProviders: ["wasm"],
        graphOptimizationLevel,
        logSeverityLevel: 4,
      }),
    );
  }

  /** The results by name. */
  async run(inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
    const feeds = Object.entries(inputs).filter(([name]) => this.#session.inputNames.includes(name));
    const results = await this.#session.run(Object.fromEntries(feeds.map(([name, x]) => [name, arrayOf(x)])));
    return Object.fromEntries(
      Object.entries(results).map(([name, { data, dims, type }]) => [
        name,
        tensor(Float64Array.from(data as ArrayLike<number>, Number), { shape: dims, dtype: type as DType }),
      ]),
    );
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

/** Opens a file, runs it once, closes it. */
export async function runOnnx(
  file: Uint8Array,
  inputs: Readonly<Record<string, Tensor>>,
  rewriting: Rewriting = "all",
): Promise<Record<string, Tensor>> {
  const session = await OnnxSession.open(file, rewriting);
  try {
    return await session.run(inputs);
  } finally {
    await session.close();
  }
}
