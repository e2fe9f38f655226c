// The worker of the page "Whisper": decodes recordings; the model's part comes with the first order that needs it.
// Read next: run-whisper.ts.
import { decodeRecording } from "@echo-ts/echo-model";
import type { News, Order } from "./messages.ts";

const port = globalThis as unknown as {
  onmessage: (event: MessageEvent<Order>) => void;
  postMessage(news: News): void;
};

async function obey(order: Order): Promise<void> {
  if (order.kind === "decode") {
    const wave = await decodeRecording(new Uint8Array(order.bytes), order.name, 16000);
    return port.postMessage({ kind: "decoded", wave });
  }
  const whisper = await import("./run-whisper.ts");
  if (order.kind === "open") await whisper.open(order.files);
  else await whisper.run(order.wave, order.options);
}

port.onmessage = ({ data: order }) => {
  obey(order).catch((error: unknown) => {
    const text = error instanceof Error ? error.message : String(error);
    port.postMessage({ kind: "failed", of: order.kind, text });
  });
};
