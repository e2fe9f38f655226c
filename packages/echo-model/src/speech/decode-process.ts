// Compressed recordings are decoded in a process of their own, for Node. Their decoders are large, several are compiled C,
// and a forged file may make one loop for ever, take gigabytes, or end the process it runs in: a thread would take the
// whole program with it. The process is started for the first such recording, kept for the next ones, and replaced when
// it had to be ended. WAV, SPHERE, AIFF and CAF are read here: they unpack to at most 4 times their size.
// Read next: decode-child.ts (the process), decode-watch.ts (its limit of memory).

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { audioFormat } from "@echo-ts/audio";
import { checkOptions } from "@echo-ts/tensor/internal";
import { DataError } from "../errors.ts";
import type { DecodeAnswer, DecodeRequest } from "./decode-child.ts";
import { decodeRecording, type OnWarning, type RecordingDecoder } from "./recording.ts";

/** What decoding one recording may take. */
export interface DecodeLimits {
  /** Seconds of waiting for a compressed recording, beside 10 s for each megabyte of the file. Default 30. */
  readonly seconds?: number;
  /**
   * Megabytes (2^20 bytes). Default 4096. The process that decodes is ended beyond it, and no recording of any format may
   * unpack, or be converted, to more samples over all channels than an eighth of its bytes.
   */
  readonly megabytes?: number;
}

/** The limits that hold where none are given. */
export const DECODE_LIMITS: Required<DecodeLimits> = { seconds: 30, megabytes: 4096 };

/** Seconds that each megabyte of a file adds. */
const SECONDS_PER_MEGABYTE = 10;

/** Formats whose decoding is no longer a matter of copying numbers. */
const COMPRESSED: readonly (string | undefined)[] = ["flac", "mp3", "ogg", "m4a", "webm"];

const CHILD: string = fileURLToPath(new URL("./decode-child.js", import.meta.url));

/**
 * A decoder with limits of time and memory; as `decodeRecording` otherwise.
 *
 * A recording that passes a limit, or crashes its decoder, is a DataError that names the file and the limit; the next
 * recording is decoded as if nothing had been. An idle process does not keep the program alive.
 * @example
 * const decode = limitedDecoder({ seconds: 10 });
 * const wave = await decode(bytes, "a.mp3", 16000);
 */
export function limitedDecoder(limits: DecodeLimits = {}): RecordingDecoder {
  checkOptions("limitedDecoder", limits, { seconds: "number", megabytes: "number" });
  const { seconds, megabytes } = { ...DECODE_LIMITS, ...limits };
  const maximumSamples = Math.floor((megabytes * 2 ** 20) / 8);
  const worker = new DecodeWorker(seconds, megabytes);
  return async (bytes, file, sampleRate, onWarning) => {
    if (!COMPRESSED.includes(audioFormat(bytes)))
      return decodeRecording(bytes, file, sampleRate, onWarning, maximumSamples);
    return worker.decode({ bytes, file, sampleRate, maximumSamples }, onWarning);
  };
}

class DecodeWorker {
  readonly #seconds: number;
  readonly #megabytes: number;
  #child: ChildProcess | null = null;
  /** The recording before, done or not: one at a time, so that each has the whole of its time and memory. */
  #before: Promise<unknown> = Promise.resolve();

  constructor(seconds: number, megabytes: number) {
    this.#seconds = seconds;
    this.#megabytes = megabytes;
  }

  async decode(request: DecodeRequest, onWarning: OnWarning = () => {}): Promise<Float32Array> {
    const answered = this.#before.then(() => this.#ask(request));
    this.#before = answered.catch(() => {});
    const answer = await answered;
    if ("error" in answer) throw new DataError(answer.error);
    for (const warning of answer.warnings) onWarning(warning);
    return answer.wave;
  }

  #ask(request: DecodeRequest): Promise<DecodeAnswer> {
    const child = this.#running();
    const seconds = this.#seconds + (SECONDS_PER_MEGABYTE * request.bytes.length) / 2 ** 20;
    return new Promise((resolve, reject) => {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        child.kill("SIGKILL");
      }, seconds * 1000);
      const done = (): void => {
        clearTimeout(timer);
        child.off("message", onAnswer).off("exit", onExit).off("error", onError);
        child.unref();
        child.channel?.unref();
      };
      const onAnswer = (answer: unknown): void => {
        done();
        resolve(answer as DecodeAnswer);
      };
      const onExit = (code: number | null, signal: string | null): void => {
        done();
        this.#child = null;
        reject(new DataError(`${request.file}: ${this.#reason(late, seconds, code, signal)}`));
      };
      const onError = (error: Error): void => {
        done();
        child.kill("SIGKILL");
        this.#child = null;
        reject(
          new DataError(`${request.file}: its decoder cannot be asked: ${error.message}`, { cause: error }),
        );
      };
      child.on("message", onAnswer).on("exit", onExit).on("error", onError);
      child.ref();
      child.channel?.ref();
      child.send(request);
    });
  }

  #reason(late: boolean, seconds: number, code: number | null, signal: string | null): string {
    if (late) return `decoding took longer than ${seconds.toFixed(1)} s; --decode-seconds allows more`;
    if (signal === "SIGKILL")
      return `decoding took more than ${this.#megabytes} MB of memory; --decode-megabytes allows more`;
    return `its decoder crashed (${signal ?? `exit code ${code}`})`;
  }

  #running(): ChildProcess {
    if (this.#child?.connected === true && this.#child.exitCode === null) return this.#child;
    // Options of node that this program was started with (--inspect, hooks of test runners) are not for the decoder.
    const { NODE_OPTIONS: _, ...env } = process.env;
    this.#child = fork(CHILD, [String(this.#megabytes)], {
      execArgv: [`--max-old-space-size=${this.#megabytes}`],
      env,
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    // Whoever waits for an answer listens too; without anybody it is no reason to end the program.
    this.#child.on("error", () => {});
    return this.#child;
  }
}
