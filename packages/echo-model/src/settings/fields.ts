// The whole table of the configuration. Validation, --help and the documentation are all made from it:
// to add a setting, add one entry to its group's file and, if it depends on others, a line in cross-checks.ts.
import {
  AUGMENT_FIELDS,
  BATCH_FIELDS,
  CURRICULUM_FIELDS,
  DATA_FIELDS,
  DIGITS_FIELDS,
} from "./data-fields.ts";
import type { ConfigOf, FieldGroup } from "./field.ts";
import { AUDIO_FIELDS, TEXT_FIELDS } from "./input-fields.ts";
import { MODEL_FIELDS } from "./model-fields.ts";
import { DECODE_FIELDS, LOSS_FIELDS, OPTIMIZER_FIELDS, TRAINING_FIELDS } from "./training-fields.ts";

/** Every setting of a run as a plain JSON object; `resolveConfig` makes one from the settings that differ. */
export interface EchoConfig {
  readonly model: ConfigOf<typeof MODEL_FIELDS>;
  readonly audio: ConfigOf<typeof AUDIO_FIELDS>;
  readonly text: ConfigOf<typeof TEXT_FIELDS>;
  readonly data: ConfigOf<typeof DATA_FIELDS>;
  readonly digits: ConfigOf<typeof DIGITS_FIELDS>;
  readonly batch: ConfigOf<typeof BATCH_FIELDS>;
  readonly curriculum: ConfigOf<typeof CURRICULUM_FIELDS>;
  readonly augment: ConfigOf<typeof AUGMENT_FIELDS>;
  readonly loss: ConfigOf<typeof LOSS_FIELDS>;
  readonly optimizer: ConfigOf<typeof OPTIMIZER_FIELDS>;
  readonly training: ConfigOf<typeof TRAINING_FIELDS>;
  readonly decode: ConfigOf<typeof DECODE_FIELDS>;
}

/** Settings of the network. */
export type ModelConfig = EchoConfig["model"];

/** The table: group by group, field by field. */
export const CONFIG_FIELDS: FieldGroup = {
  model: MODEL_FIELDS,
  audio: AUDIO_FIELDS,
  text: TEXT_FIELDS,
  data: DATA_FIELDS,
  digits: DIGITS_FIELDS,
  batch: BATCH_FIELDS,
  curriculum: CURRICULUM_FIELDS,
  augment: AUGMENT_FIELDS,
  loss: LOSS_FIELDS,
  optimizer: OPTIMIZER_FIELDS,
  training: TRAINING_FIELDS,
  decode: DECODE_FIELDS,
};

/** One line about each group, for --help and the documentation. */
export const GROUP_MEANINGS: Readonly<Record<keyof EchoConfig, string>> = {
  model: "the network",
  audio: "from samples to log-mel spectrogram and f0",
  text: "from transcripts to token ids",
  data: "which recordings",
  digits: "random digit strings (data.format digits)",
  batch: "how utterances are put together",
  curriculum: "short utterances first",
  augment: "random changes of the training audio",
  loss: "what is minimised",
  optimizer: "AdamW and its learning rate",
  training: "length of the run and what happens during it",
  decode: "how text is produced",
};
