// Figures and reports, for Node: "@echo-ts/echo-model/figures". Nothing else in the package needs the plotting library.

export { type Diagnosis, diagnoseModel, valueDominance } from "../train/diagnose-model.ts";
export { architectureFigure } from "./architecture-figure.ts";
export { type AttentionScene, attentionFigure, attentionReceivedFigure } from "./attention-figures.ts";
export {
  type ColorImage,
  colorBar,
  type ImageMark,
  type ImagePlace,
  imageAddress,
  imageMark,
} from "./color-image.ts";
export { diagnosisSections, seedTable } from "./diagnosis-figures.ts";
export { type DotFigureInput, type DotValue, dotFigure } from "./dot-figure.ts";
export {
  differencesFigure,
  type SetRows,
  type VariantLogs,
  variantLearningFigure,
  variantRatesFigure,
} from "./experiment-figures.ts";
export { type ExperimentReportInput, experimentReport, readExperimentFolder } from "./experiment-report.ts";
export { drawFigure, type Figure, type FigureInput, type FigureTable, type Panel } from "./figure.ts";
export { type Report, type ReportSection, reportHtml } from "./page.ts";
export { rotationFigure, type UtterancePitch, utteranceMatricesFigure } from "./pitch-figures.ts";
export { type PngRenderer, pngRenderer } from "./png.ts";
export { MOST_SECONDS, recordingSections } from "./recording-sections.ts";
export { bandWidthFigure, lagCurveFigure, similarityFigure, variantFigure } from "./rotary-figures.ts";
export {
  alongRunFigure,
  confusionFigure,
  errorRateFigure,
  learningFigure,
} from "./run-figures.ts";
export { type RunReportInput, readRunFolder, runReportSections } from "./run-report.ts";
export { recordingFigure, type SeenRecording } from "./speech-figures.ts";
export { type WrittenReport, writeFigures, writeReport } from "./write-report.ts";
