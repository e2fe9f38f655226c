// Plays a recording from any place, and says where it is while it plays.

/** One recording that can be played. */
export class Player {
  #context: AudioContext | null = null;
  #source: AudioBufferSourceNode | null = null;
  #wave = new Float32Array(0);
  #sampleRate = 16000;
  #startedAt = 0;
  #from = 0;
  /** Called with seconds on every frame while it plays, and when it is moved. */
  onMove: (seconds: number) => void = () => {};
  /** Called when it starts and stops. */
  onState: (playing: boolean) => void = () => {};

  get playing(): boolean {
    return this.#source !== null;
  }

  get seconds(): number {
    return this.#wave.length / this.#sampleRate;
  }

  /** The recording from now on. */
  load(wave: Float32Array, sampleRate: number): void {
    this.pause();
    this.#wave = Float32Array.from(wave);
    this.#sampleRate = sampleRate;
    this.seek(0);
  }

  /** Goes to a time; goes on playing if it was. */
  seek(seconds: number): void {
    const wasPlaying = this.playing;
    if (wasPlaying) this.pause();
    this.#from = Math.min(Math.max(seconds, 0), this.seconds);
    this.onMove(this.#from);
    if (wasPlaying) this.play();
  }

  /** Plays on; from the start when it is at the end. @param until seconds at which it stops; default the end */
  play(until: number = this.seconds): void {
    if (this.#wave.length === 0) return;
    if (this.#from >= this.seconds - 0.01) this.#from = 0;
    this.#context ??= new AudioContext();
    const context = this.#context;
    void context.resume();
    const buffer = context.createBuffer(1, this.#wave.length, this.#sampleRate);
    buffer.copyToChannel(this.#wave as Float32Array<ArrayBuffer>, 0);
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(context.destination);
    source.start(0, this.#from, Math.max(0, until - this.#from));
    this.#source = source;
    this.#startedAt = context.currentTime;
    source.onended = () => {
      if (this.#source !== source) return;
      this.#from = Math.min(this.#now(), until);
      this.#source = null;
      this.onMove(this.#from);
      this.onState(false);
    };
    this.onState(true);
    const frame = (): void => {
      if (this.#source !== source) return;
      this.onMove(Math.min(this.#now(), until));
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  pause(): void {
    const source = this.#source;
    if (source === null) return;
    this.#from = this.#now();
    this.#source = null;
    source.stop();
    this.onState(false);
  }

  #now(): number {
    return Math.min(this.#from + (this.#context!.currentTime - this.#startedAt), this.seconds);
  }
}
