// Two small tokenizer.json files without merges: a token for each byte, or letters with single bytes for the rest.

const SPECIALS = ["<pad>", "<s>", "</s>"];

function file(
  parts: Record<string, unknown>,
  model: Record<string, unknown>,
  pieces: readonly string[],
): object {
  return {
    version: "1.0",
    added_tokens: SPECIALS.map((content, id) => ({ id, content, special: true })),
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    ...parts,
    model: {
      type: "BPE",
      vocab: Object.fromEntries([...SPECIALS, ...pieces].map((piece, id) => [piece, id])),
      merges: [],
      ...model,
    },
  };
}

/** The characters that stand for the bytes 0 to 255 in GPT-2's vocabulary (Radford et al. 2019). */
function byteCharacters(): string[] {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(printable(byte) ? byte : 256 + others++),
  );
}

/** Byte-level BPE, as GPT-2 and Whisper have it. @param merged pieces made by merges, each by its last letter */
export function byteLevelFile(merged: readonly string[] = []): object {
  const level = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
  const merges = merged.map((piece) => [piece.slice(0, -1), piece.slice(-1)]);
  return file({ pre_tokenizer: level, decoder: level }, { merges }, [...byteCharacters(), ...merged]);
}

/** BPE with byte fallback, as SentencePiece models have it: "▁" for the space, `<0xE9>` for what has no piece. */
export function byteFallbackFile(): object {
  const bytes = Array.from(
    { length: 256 },
    (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
  );
  const parts = {
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "Prepend", prepend: "▁" },
        { type: "Replace", pattern: { String: " " }, content: "▁" },
      ],
    },
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        { type: "Strip", content: " ", start: 1, stop: 0 },
      ],
    },
  };
  return file(parts, { byte_fallback: true, unk_token: null }, [...bytes, ..."▁abcefhlo"]);
}
