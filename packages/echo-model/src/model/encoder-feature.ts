// Names of the encoder's input features.

/** Input features that have an encoder stack of their own. */
export type FeatureName = "spectrogram" | "waveform" | "pitch";
