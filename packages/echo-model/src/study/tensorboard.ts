// TensorBoard event files: scalars as `Event` messages of protocol buffers, encoded by hand.
// Messages (tensorflow/core/util/event.proto, framework/summary.proto):
//   Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }
//   Summary { repeated Value value = 1; }   Value { string tag = 1; float simple_value = 2; }
import { frameRecord, readRecords } from "./tf-record.ts";

/** One event: scalars of one step. */
export interface ScalarEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  /** Training step, an integer >= 0. */
  readonly step: number;
  /** Values by tag, such as "train/loss"; stored as float32. */
  readonly scalars: Readonly<Record<string, number>>;
}

/**
 * Name of an event file; TensorBoard looks for `tfevents` in it.
 * @param wallTime - seconds since 1970. @param host - any word.
 */
export function eventFileName(wallTime: number, host = "echo"): string {
  return `events.out.tfevents.${Math.floor(wallTime).toString().padStart(10, "0")}.${host}`;
}

/** The record every event file begins with. */
export function encodeVersion(wallTime: number): Uint8Array {
  return frameRecord(
    concatenate([double(1, wallTime), bytesField(3, new TextEncoder().encode("brain.Event:2"))]),
  );
}

/**
 * One record with the scalars of a step, ready to be appended to the file.
 * @throws RangeError when `step` is not an integer >= 0.
 * @example
 * appendFileSync(file, encodeScalars({ wallTime: Date.now() / 1000, step: 10, scalars: { "train/loss": 2.5 } }));
 */
export function encodeScalars({ wallTime, step, scalars }: ScalarEvent): Uint8Array {
  if (!Number.isSafeInteger(step) || step < 0)
    throw new RangeError(`encodeScalars: step must be an integer >= 0, got ${step}`);
  const values = Object.entries(scalars).map(([tag, value]) =>
    bytesField(1, concatenate([bytesField(1, new TextEncoder().encode(tag)), float(2, value)])),
  );
  return frameRecord(
    concatenate([
      double(1, wallTime),
      Uint8Array.of(2 << 3, ...varint(step)),
      bytesField(5, concatenate(values)),
    ]),
  );
}

/**
 * Reads the scalar events of a file back (events of other kinds are passed over).
 * @throws DataError when a checksum does not fit.
 */
export function readScalars(file: Uint8Array): ScalarEvent[] {
  const events: ScalarEvent[] = [];
  for (const record of readRecords(file)) {
    let wallTime = 0;
    let step = 0;
    const scalars: Record<string, number> = {};
    for (const { field, value } of fieldsOf(record)) {
      if (field === 1 && value instanceof Uint8Array) wallTime = viewOf(value).getFloat64(0, true);
      else if (field === 2 && typeof value === "number") step = value;
      else if (field === 5 && value instanceof Uint8Array) Object.assign(scalars, readSummary(value));
    }
    if (Object.keys(scalars).length > 0) events.push({ wallTime, step, scalars });
  }
  return events;
}

function readSummary(summary: Uint8Array): Record<string, number> {
  const scalars: Record<string, number> = {};
  for (const { value: entry } of fieldsOf(summary)) {
    if (!(entry instanceof Uint8Array)) continue;
    let tag = "";
    let scalar: number | null = null;
    for (const { field, value } of fieldsOf(entry)) {
      if (!(value instanceof Uint8Array)) continue;
      if (field === 1) tag = new TextDecoder().decode(value);
      if (field === 2) scalar = viewOf(value).getFloat32(0, true);
    }
    if (scalar !== null) scalars[tag] = scalar;
  }
  return scalars;
}

// Wire types of protocol buffers: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes.
function* fieldsOf(message: Uint8Array): Generator<{ field: number; value: number | Uint8Array }> {
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = message[at++] ?? 0;
      value += (byte & 127) * scale;
      scale *= 128;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = readVarint();
    const wire = key & 7;
    if (wire === 0) yield { field: key >>> 3, value: readVarint() };
    else {
      const length = wire === 1 ? 8 : wire === 5 ? 4 : readVarint();
      yield { field: key >>> 3, value: message.subarray(at, at + length) };
      at += length;
    }
  }
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

function bytesField(field: number, bytes: Uint8Array): Uint8Array {
  return concatenate([Uint8Array.of((field << 3) | 2, ...varint(bytes.length)), bytes]);
}

function double(field: number, value: number): Uint8Array {
  const out = new Uint8Array(9);
  out[0] = (field << 3) | 1;
  viewOf(out).setFloat64(1, value, true);
  return out;
}

function float(field: number, value: number): Uint8Array {
  const out = new Uint8Array(5);
  out[0] = (field << 3) | 5;
  viewOf(out).setFloat32(1, value, true);
  return out;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
