// Figures that share one clock: the same margins, and one cursor over all of them, which shows what is being played and
// can be dragged or moved by the arrow keys.
import type { Figure } from "./figure.ts";

/** Left and right margin of every figure on the clock, pixels. */
export const MARGINS = { marginLeft: 52, marginRight: 12, marginBottom: 38 } as const;

/** The shared cursor. */
export class TimeCursor {
  readonly #lines: HTMLDivElement[] = [];
  readonly #stages: HTMLElement[] = [];
  readonly #followers: ((seconds: number) => void)[] = [];
  #seconds = 1;
  #at = 0;
  /** Called when the visitor moves the cursor. */
  onSeek: (seconds: number) => void = () => {};

  /** Puts the cursor over a figure. */
  add(figure: Figure): void {
    const { stage } = figure;
    const line = document.createElement("div");
    line.className = "cursor";
    line.setAttribute("aria-hidden", "true");
    stage.append(line);
    this.#lines.push(line);
    this.#stages.push(stage);
    const seek = (event: PointerEvent): void => {
      const { left, width } = stage.getBoundingClientRect();
      const inner = width - MARGINS.marginLeft - MARGINS.marginRight;
      this.onSeek(((event.clientX - left - MARGINS.marginLeft) / inner) * this.#seconds);
    };
    stage.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse") stage.setPointerCapture(event.pointerId);
      seek(event);
    });
    stage.addEventListener("pointermove", (event) => {
      if (event.buttons === 1) seek(event);
    });
    new ResizeObserver(() => this.move(this.#at)).observe(stage);
  }

  /** Calls `follower` whenever the cursor moves. */
  follow(follower: (seconds: number) => void): void {
    this.#followers.push(follower);
  }

  /** Length of the recording. */
  set seconds(seconds: number) {
    this.#seconds = seconds;
    this.move(0);
  }

  /** Shows a time on every figure. */
  move(at: number): void {
    this.#at = Math.min(Math.max(at, 0), this.#seconds);
    const share = this.#at / this.#seconds;
    this.#lines.forEach((line, i) => {
      const inner = this.#stages[i]!.clientWidth - MARGINS.marginLeft - MARGINS.marginRight;
      line.style.transform = `translateX(${MARGINS.marginLeft + share * inner}px)`;
    });
    for (const follower of this.#followers) follower(this.#at);
  }
}
