// The page's side of the worker: a request is a promise of its answer.
import type { Answer, Requests } from "./messages.ts";

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: Error) => void;
}

/** Asks the studio's worker. */
export class StudioWorker {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;

  constructor() {
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "studio" });
    this.#worker.onmessage = ({ data: { id, give, failed } }: MessageEvent<Answer>) => {
      const promise = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (failed === undefined) promise?.resolve(give);
      else promise?.reject(new Error(failed));
    };
    this.#worker.onerror = ({ message }) => {
      for (const promise of this.#waiting.values())
        promise.reject(new Error(`studio: the worker failed (${message}); reload the page`));
      this.#waiting.clear();
    };
  }

  /** Sends a request; buffers in `transfer` go over without a copy and are gone here. */
  ask<K extends keyof Requests>(
    kind: K,
    take: Requests[K]["take"],
    transfer: Transferable[] = [],
  ): Promise<Requests[K]["give"]> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as Waiting["resolve"], reject });
      this.#worker.postMessage({ id, kind, take }, transfer);
    });
  }
}
