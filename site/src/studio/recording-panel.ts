// Where recordings come from: the bundled ones, a file that is chosen or dropped, the microphone.
import { decodeByBrowser } from "../layout/decode-by-browser.ts";
import { at } from "../layout/elements.ts";
import { fetchFile } from "../layout/fetch-file.ts";
import { bindSelect } from "./address.ts";
import { Dropouts } from "./dropouts.ts";
import { LiveView } from "./live-view.ts";
import type { Heard } from "./messages.ts";
import { microphoneProblem, openMicrophone, RATE } from "./microphone.ts";
import type { StudioWorker } from "./worker-client.ts";

/** A bundled recording, as build/files.mjs lists them in files/recordings/index.json. */
interface Bundled {
  readonly file: string;
  readonly name: string;
  /** What is said. */
  readonly text: string;
}

/** What the panel works with. */
export interface RecordingParts {
  readonly worker: StudioWorker;
  readonly onHeard: (heard: Heard, name: string) => void;
  /** Loads the model if it is not there yet. */
  readonly modelReady: () => Promise<unknown>;
  readonly onPitch: (hz: number) => void;
}

/** Longest stretch of the microphone that is kept to look at afterwards, seconds. */
const KEPT_SECONDS = 20;
const MOST_FILE_BYTES = 2e8;

/** Chooses what is heard. */
export class RecordingPanel {
  readonly #parts: RecordingParts;
  readonly #choice = at<HTMLSelectElement>("recording");
  readonly #button = at<HTMLButtonElement>("microphone");
  #bundled: readonly Bundled[] = [];
  #close: (() => Promise<void>) | null = null;

  constructor(parts: RecordingParts) {
    this.#parts = parts;
    this.#choice.addEventListener("change", () => this.#guard(() => this.#hearBundled()));
    const file = at<HTMLInputElement>("file");
    file.addEventListener("change", () => {
      const [chosen] = file.files ?? [];
      if (chosen !== undefined) this.#guard(() => this.#hearFile(chosen));
      file.value = "";
    });
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("drop", (event) => {
      event.preventDefault();
      const [dropped] = event.dataTransfer?.files ?? [];
      if (dropped !== undefined) this.#guard(() => this.#hearFile(dropped));
    });
    this.#button.addEventListener("click", () => void this.#toggleMicrophone());
  }

  /** Lists the bundled recordings and hears the first. */
  first(): Promise<void> {
    return this.#guard(async () => {
      const bytes = await fetchFile("files/recordings/index.json");
      this.#bundled = JSON.parse(new TextDecoder().decode(bytes)) as Bundled[];
      this.#choice.replaceChildren(
        ...this.#bundled.map(({ name, file }) => new Option(name, file.replace(".wav", ""))),
      );
      bindSelect(this.#choice, "recording");
      await this.#hearBundled();
    });
  }

  async #hearBundled(): Promise<void> {
    const { file, name, text } = this.#bundled[this.#choice.selectedIndex]!;
    await this.#hear(await fetchFile(`files/recordings/${file}`), name);
    at("said").textContent = `What is said: ${text}. A voice that the model was not trained on.`;
  }

  async #hearFile(file: File): Promise<void> {
    if (file.size > MOST_FILE_BYTES)
      throw new Error(`${file.name} has ${(file.size / 1e6).toFixed(0)} MB; this page takes up to 200 MB`);
    const bytes = await file.arrayBuffer();
    try {
      await this.#hear(bytes.slice(0), file.name);
    } catch (ours) {
      // What our decoders don't read, such as MP3, AAC and WebM, the browser may.
      const wave = await decodeByBrowser(bytes, RATE).catch(() => {
        throw ours;
      });
      await this.#hear(await wavOf([wave], wave.length), file.name);
    }
    at("said").textContent = `Your file ${file.name}. It stays on this device.`;
  }

  async #hear(bytes: ArrayBuffer, name: string): Promise<void> {
    this.#parts.onHeard(await this.#parts.worker.ask("hear", { bytes, name }, [bytes]), name);
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    const problem = at("problem");
    problem.textContent = "";
    try {
      await work();
    } catch (error) {
      problem.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  async #toggleMicrophone(): Promise<void> {
    const close = this.#close;
    if (close !== null) {
      this.#close = null;
      return close();
    }
    const problem = at("problem");
    problem.textContent = "";
    this.#button.disabled = true;
    try {
      await this.#listen();
    } catch (error) {
      problem.textContent = microphoneProblem(error);
    }
    this.#button.disabled = false;
  }

  async #listen(): Promise<void> {
    const { worker, onPitch } = this.#parts;
    const view = new LiveView(at<HTMLCanvasElement>("live-canvas"));
    const words = at("live-words");
    const dropouts = new Dropouts(RATE);
    const kept: Float32Array[] = [];
    let keptSamples = 0;
    let model = false;
    words.textContent = "";
    const show = (found: readonly { readonly word: string; readonly confidence?: number }[]): void => {
      for (const { word, confidence } of found)
        words.append(`${word}${confidence === undefined ? "" : ` (${Math.round(100 * confidence)} %)`} `);
    };
    const end = async (lost = ""): Promise<void> => {
      this.#close = null;
      this.#button.textContent = "Use the microphone";
      if (model) {
        const rest = await worker.ask("listen", { samples: new Float32Array(0), end: true });
        show(rest.words);
      }
      if (keptSamples > RATE / 2) await this.#hear(await wavOf(kept, keptSamples), "what you said");
      at("said").textContent = `The last ${(keptSamples / RATE).toFixed(1)} seconds of your microphone.`;
      // Hearing what was kept clears the message; that the device is gone must stay.
      if (lost !== "") at("problem").textContent = lost;
    };
    const close = await openMicrophone({
      frames: (frames) => {
        view.push(frames);
        if (view.f0 === 0) return;
        at("live-pitch").textContent = `${view.f0.toFixed(0)} Hz`;
        onPitch(view.f0);
      },
      samples: (chunk) => {
        const { samples } = chunk;
        dropouts.push(chunk);
        at("live-gaps").textContent = dropouts.text;
        view.pushWave(samples);
        kept.push(samples);
        keptSamples += samples.length;
        while (keptSamples > KEPT_SECONDS * RATE) keptSamples -= kept.shift()!.length;
        if (model) void worker.ask("listen", { samples, end: false }).then((found) => show(found.words));
      },
      lost: (reason) => {
        at("problem").textContent = reason;
        void end(reason);
      },
    });
    this.#close = async () => {
      await close();
      await end();
    };
    at("live").hidden = false;
    this.#button.textContent = "Stop listening";
    await this.#parts.modelReady().then(
      () => {
        model = true;
      },
      () => {},
    );
  }
}

/** Samples as a WAV file. */
async function wavOf(chunks: readonly Float32Array[], count: number): Promise<ArrayBuffer> {
  const wave = new Float32Array(count);
  let place = 0;
  for (const chunk of chunks) {
    wave.set(chunk, place);
    place += chunk.length;
  }
  const { encodeWav } = await import("@echo-ts/audio");
  return Uint8Array.from(encodeWav(wave, { sampleRate: RATE })).buffer;
}
