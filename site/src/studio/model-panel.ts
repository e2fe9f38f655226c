// The model on the page: its file with progress, the words it finds, and its switches, with a table of what each gave.
import type { TimeCursor } from "../figure/time-axis.ts";
import { at } from "../layout/elements.ts";
import { fetchFile } from "../layout/fetch-file.ts";
import { bindSelect } from "./address.ts";
import type { Heard, Loaded, Recognised, Switches } from "./messages.ts";
import { ModelFigures } from "./model-figures.ts";
import type { Player } from "./player.ts";
import type { StudioWorker } from "./worker-client.ts";

const FILE = "files/an4-f0.safetensors";

/** What the panel works with. */
export interface ModelParts {
  readonly worker: StudioWorker;
  readonly cursor: TimeCursor;
  readonly player: Player;
}

/** Words, switches and figures of the model. */
export class ModelPanel {
  readonly #parts: ModelParts;
  readonly #figures: ModelFigures;
  readonly #state = at("model-state");
  #loading: Promise<Loaded> | null = null;
  #heard: Heard | null = null;
  #runs: { readonly what: string; readonly seen: Recognised }[] = [];
  #latest = 0;
  /** Told when the page itself has changed the recording. */
  onChangedSound: (heard: Heard, name: string) => void = () => {};

  constructor(parts: ModelParts) {
    this.#parts = parts;
    this.#figures = new ModelFigures(at("model-figures"), parts.cursor);
    for (const name of ["rotary", "bias", "zero"]) {
      const select = at<HTMLSelectElement>(`switch-${name}`);
      bindSelect(select, name);
      select.addEventListener("change", () => void this.#run());
    }
    this.#figures.attention.explain = (layer, head, query, key) =>
      parts.worker.ask("explain", {
        wave: this.#heard!.wave,
        switches: this.#switches,
        layer,
        head,
        query,
        key,
      });
    // The table scrolls on a narrow screen, so the keyboard must reach it.
    at("runs").tabIndex = 0;
    at("silence").addEventListener("click", () => void this.#insertSilence());
    at("load").addEventListener("click", () => void this.ready().catch(() => {}));
  }

  /** Offers the model instead of loading it. */
  offer(): void {
    at("load").hidden = false;
    this.#state.textContent = "Your device asks to save data, so the model waits for you.";
  }

  /** Loads the model once. */
  ready(): Promise<Loaded> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = null;
      at("load").hidden = false;
      this.#state.textContent = error instanceof Error ? error.message : String(error);
      throw error;
    });
    return this.#loading;
  }

  async #load(): Promise<Loaded> {
    at("load").hidden = true;
    const bytes = await fetchFile(FILE, (done, total) => {
      const of = total === null ? "2.9" : (total / 1e6).toFixed(1);
      this.#state.textContent = `The model comes: ${(done / 1e6).toFixed(1)} of ${of} MB.`;
    });
    this.#state.textContent = "The model starts.";
    const loaded = await this.#parts.worker.ask("load", { bytes, name: FILE }, [bytes]);
    this.#state.textContent = `${loaded.parameters.toLocaleString("en")} weights, ${loaded.threads} ${loaded.threads === 1 ? "thread" : "threads"}.`;
    if (this.#heard !== null) await this.#run();
    return loaded;
  }

  /** Recognises a recording, now or when the model is there. */
  async recognise(heard: Heard): Promise<void> {
    this.#heard = heard;
    this.#runs = [];
    this.#showRuns();
    at("transcript").textContent = "";
    if (this.#loading === null) return;
    await this.#loading.then(() => this.#run()).catch(() => {});
  }

  get #switches(): Switches {
    const chosen = (id: string): string => at<HTMLSelectElement>(id).value;
    return {
      rotary: chosen("switch-rotary") as Switches["rotary"],
      pitchBias: chosen("switch-bias") === "on",
      zeroKeys: chosen("switch-zero") === "on",
    };
  }

  async #run(): Promise<void> {
    if (this.#heard === null) return;
    const number = ++this.#latest;
    const switches = this.#switches;
    const { wave } = this.#heard;
    const transcript = at("transcript");
    transcript.setAttribute("aria-busy", "true");
    try {
      const seen = await this.#parts.worker.ask("recognise", { wave, switches });
      if (number !== this.#latest) return;
      this.#show(seen, switches);
    } catch (error) {
      this.#state.textContent = error instanceof Error ? error.message : String(error);
    }
    transcript.removeAttribute("aria-busy");
  }

  #show(seen: Recognised, switches: Switches): void {
    const { encoder, ctc, transcribe } = seen.milliseconds;
    const { keys: frames = 0, heads = 0 } = seen.layers[0] ?? {};
    const blocks = seen.layers.filter(({ tokens }) => tokens === null).length;
    at("flow-encoder").textContent =
      `${blocks} blocks, ${heads} heads, ${frames} frames, ${encoder.toFixed(0)} ms`;
    at("flow-ctc").textContent = `[${frames}, words], ${ctc.toFixed(0)} ms`;
    at("flow-words").textContent = `${seen.words.length} words, ${transcribe.toFixed(0)} ms in all`;
    this.#showWords(seen);
    this.#figures.show(seen, this.#heard!);
    const what = [
      `rotary ${switches.rotary}`,
      `pitch bias ${switches.pitchBias ? "on" : "off"}`,
      `zero-value ${switches.zeroKeys ? "on" : "off"}`,
    ].join(", ");
    this.#runs = [...this.#runs.filter((run) => run.what !== what), { what, seen }];
    this.#showRuns();
    if (performance.getEntriesByName("echo-first-transcript").length === 0)
      performance.mark("echo-first-transcript");
  }

  #showWords({ words }: Recognised): void {
    const { player } = this.#parts;
    const buttons = words.map(({ word, start, end, confidence }, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "word";
      const times = document.createElement("small");
      const sure = confidence === undefined ? "" : `, ${Math.round(100 * confidence)} %`;
      times.textContent = `${start.toFixed(2)}–${end.toFixed(2)} s${sure}`;
      button.append(word, times);
      const look = (): void => {
        this.#figures.attention.word = i;
      };
      button.addEventListener("pointerenter", look);
      button.addEventListener("focus", look);
      button.addEventListener("click", () => {
        look();
        player.pause();
        player.seek(start);
        player.play(end);
      });
      return button;
    });
    at("transcript").replaceChildren(
      ...(buttons.length > 0 ? buttons : ["No speech was found that the model knows."]),
    );
    at("words-note").hidden = words.length === 0;
  }

  #showRuns(): void {
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const name of ["Choice", "Text", "Attention on silent frames"]) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = name;
      head.append(cell);
    }
    const body = table.createTBody();
    for (const { what, seen } of this.#runs) {
      const row = body.insertRow();
      row.insertCell().textContent = what;
      row.insertCell().textContent = seen.text || "(nothing)";
      const layers = seen.layers.map(({ onSilence }) => `${(100 * onSilence).toFixed(1)} %`).join(", ");
      row.insertCell().textContent = layers;
    }
    const note = document.createElement("p");
    note.className = "soft";
    note.textContent = "Attention on silent frames: the mean of each of the encoder's layers, first to last.";
    at("runs").replaceChildren(table, note);
  }

  async #insertSilence(): Promise<void> {
    if (this.#heard === null) return;
    await this.ready();
    const { wave } = this.#heard;
    const longer = await this.#parts.worker.ask("insertSilence", { wave, seconds: 1 });
    const { encodeWav } = await import("@echo-ts/audio");
    const bytes = Uint8Array.from(encodeWav(longer.wave, { sampleRate: this.#heard.sampleRate })).buffer;
    const name = "with silence";
    const heard = await this.#parts.worker.ask("hear", { bytes, name }, [bytes]);
    this.onChangedSound(heard, name);
    at("said").textContent = "The same recording with one second of silence in its middle.";
  }
}
