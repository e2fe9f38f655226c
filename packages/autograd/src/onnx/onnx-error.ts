/** What cannot be exported, or not in the way that was asked for: the message names the op or the axis. */
export class OnnxError extends Error {
  override readonly name = "OnnxError";
}
