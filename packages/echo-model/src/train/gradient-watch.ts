// Gradients by block along a training, for `train --diagnostics`: means over the first ten steps, and over the last ten of
// every fifty. Watching reads gradients and changes nothing.
import { namedBlocks } from "../study/blocks.ts";
import { GradientDiagnostics } from "../study/gradient-diagnostics.ts";
import { valueDominance } from "./diagnose-model.ts";
import type { Trainer } from "./trainer.ts";

const EVERY = 50;
const WINDOW = 10;

/** Collects gradients in windows of ten steps. */
export class GradientWatch {
  readonly #names: ReadonlyMap<string, string>;
  readonly #trainer: Trainer;
  #window: GradientDiagnostics | null = null;
  #observed = 0;

  constructor(trainer: Trainer) {
    this.#trainer = trainer;
    this.#names = new Map(namedBlocks(trainer.echo).map(({ path, name }) => [path, name]));
    trainer.onGradients = () => {
      const step = trainer.steps + 1;
      if (step > WINDOW && (step - 1) % EVERY < EVERY - WINDOW) return;
      this.#window ??= new GradientDiagnostics(trainer.echo);
      this.#window.observe();
      this.#observed++;
    };
  }

  /** The figures of the window that ends with this step, as plain numbers by "BLOCK/WHAT"; null inside or between windows. */
  take(step: number): Record<string, number> | null {
    if (this.#window === null || (step !== WINDOW && step % EVERY !== 0 && this.#trainer.progress < 1))
      return null;
    const record: Record<string, number> = { step, observed: this.#observed };
    for (const { name, gateOverMlp, self, cross } of this.#window.report()) {
      const block = this.#names.get(name) ?? name;
      const add = (what: string, value: number | null): void => {
        if (value !== null) record[`${block}/${what}`] = value;
      };
      add("gateOverMlp", gateOverMlp);
      if (self !== null) for (const [key, value] of Object.entries(self)) add(key, value);
      add("valueDominance", valueDominance(self));
      if (cross !== null) for (const [key, value] of Object.entries(cross)) add(`audio ${key}`, value);
    }
    this.#window = null;
    this.#observed = 0;
    return record;
  }
}
