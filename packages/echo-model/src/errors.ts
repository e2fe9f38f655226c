// The errors of this package that have nothing to do with shapes or samples.
// Each message reads "where: what was wrong, expected, got". Tensor and audio errors keep their own classes.

/** A configuration that cannot be used; `problems` lists everything found, one sentence each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`config: ${problems.join("\nconfig: ")}`);
    this.problems = problems;
  }
}

/** Text or token ids that a tokenizer cannot take, or a tokenizer file that cannot be restored. */
export class TextError extends Error {
  override readonly name = "TextError";
}

/** A data set file or row that cannot be used; the message names the file and, where there is one, the line. */
export class DataError extends Error {
  override readonly name = "DataError";
}

/** A training that cannot go on; the message names the step. */
export class TrainingError extends Error {
  override readonly name = "TrainingError";
}

/** A checkpoint that is damaged, or does not fit what it is to be used for; the message names the file. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
}
