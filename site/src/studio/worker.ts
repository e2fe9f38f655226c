// The studio's computing, in a worker: the page stays free. Hearing a recording needs little; what the model needs comes
// with the first request that asks for it.
import { decodeRecording, extractFeatures, inputOf, resolveConfig } from "@echo-ts/echo-model";
import type { Answer, Heard, Request, Requests } from "./messages.ts";

type Handlers = {
  readonly [K in keyof Requests]: (take: Requests[K]["take"]) => Promise<Requests[K]["give"]>;
};

const input = inputOf(resolveConfig());

async function hear({ bytes, name }: Requests["hear"]["take"]): Promise<Heard> {
  const begun = performance.now();
  const wave = await decodeRecording(new Uint8Array(bytes), name, input.sampleRate);
  const decoded = performance.now();
  const { mel, f0, silent, frames } = extractFeatures(wave, input);
  return {
    wave,
    sampleRate: input.sampleRate,
    hopSeconds: input.hopLength / input.sampleRate,
    mel,
    bands: mel.length / frames,
    hops: frames,
    f0,
    silent,
    milliseconds: { decode: decoded - begun, features: performance.now() - decoded },
  };
}

const model = () => import("./recogniser.ts");

const handlers: Handlers = {
  hear,
  load: async (take) => (await model()).load(take),
  recognise: async (take) => (await model()).recognise(take),
  explain: async (take) => (await model()).explain(take),
  explainMel: async (take) => (await import("./explain-mel.ts")).explainMel(take, input),
  insertSilence: async (take) => (await model()).insertSilence(take),
  listen: async (take) => (await model()).listen(take),
};

const port = globalThis as unknown as {
  onmessage: (event: MessageEvent<Request>) => void;
  postMessage(message: Answer): void;
};

// One after another: the microphone's chunks must stay in order.
let last: Promise<void> = Promise.resolve();
port.onmessage = ({ data: { id, kind, take } }) => {
  const handle = handlers[kind] as (take: unknown) => Promise<unknown>;
  last = last.then(async () => {
    try {
      port.postMessage({ id, give: await handle(take) });
    } catch (error) {
      port.postMessage({ id, failed: error instanceof Error ? error.message : String(error) });
    }
  });
};
