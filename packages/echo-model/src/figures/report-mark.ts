// What tells a report of ours from another file of that name. Read next: page.ts.

/** Stands in the head of every report. */
export const REPORT_MARK = '<meta name="generator" content="echo-asr">';
