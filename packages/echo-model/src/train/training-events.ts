// What a training tells while it runs and when it has ended. Read next: run.ts.
import type { RowProblem } from "../data/utterance.ts";
import type { Evaluation } from "../evaluate/evaluate-model.ts";
import type { PreparationProgress } from "./prepare-data.ts";
import type { StepReport } from "./trainer.ts";

/** What happens during a training, for progress lines. */
export type TrainingEvent =
  | ({ readonly kind: "preparation" } & PreparationProgress)
  | {
      readonly kind: "start";
      readonly step: number;
      readonly size: number;
      readonly parameters: number;
      readonly problems: readonly RowProblem[];
    }
  | { readonly kind: "step"; readonly report: StepReport; readonly progress: number }
  | {
      readonly kind: "evaluation";
      readonly step: number;
      readonly set: string;
      readonly evaluation: Evaluation;
    }
  | { readonly kind: "checkpoint"; readonly step: number; readonly path: string }
  /** The signal was aborted: the training ends after this step; 0 while data is being prepared. */
  | { readonly kind: "stopping"; readonly step: number }
  /** Something that the user should know and that ends nothing: a damaged log, a change that was accepted. */
  | { readonly kind: "note"; readonly text: string };

/** How a training ended. */
export interface TrainingSummary {
  readonly outcome: "finished" | "stopped early" | "interrupted";
  readonly steps: number;
  readonly epochs: number;
  /** Best error rate of the evaluations and its step; rate null when nothing was evaluated. */
  readonly best: { readonly rate: number | null; readonly step: number };
  /** Last evaluation of each set. */
  readonly evaluations: ReadonlyMap<string, Evaluation>;
  /** CPU seconds of the steps of this process, data included, evaluation not. */
  readonly cpuSeconds: number;
  readonly utterances: number;
  /** True when the run had ended before this call: nothing was computed or written, `evaluations` is empty. */
  readonly hadEnded: boolean;
}
