// Memory that lives as long as one kernel call: tables, partial results, dense copies of strided operands.
// Read next: elementwise.ts.

import type { View } from "../../backend.ts";
import { BYTES_PER_ELEMENT } from "../../dtype.ts";
import { isContiguous, sizeOf } from "../../shape.ts";
import type { Block } from "./arena.ts";
import type { Engine } from "./engine.ts";
import { addressOf, copyView } from "./operands.ts";

/** Takes memory of the arena for one call, see `inWorkspace`. */
export class Workspace {
  private readonly engine: Engine;
  private blocks: Block[] | null = null; // most calls take nothing

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Address of this many undefined bytes. */
  take(bytes: number): number {
    const block = this.engine.arena.allocate(bytes);
    this.blocks ??= [];
    this.blocks.push(block);
    return block.offset;
  }

  /** Address of the elements of a view in dense row-major order: in place, or copied. */
  dense(view: View): number {
    if (isContiguous(view.shape, view.strides)) return addressOf(view);
    const to = this.take(sizeOf(view.shape) * BYTES_PER_ELEMENT[view.storage.dtype]);
    copyView(view, to);
    return to;
  }

  /** Gives everything back. */
  close(): void {
    if (this.blocks === null) return;
    for (const block of this.blocks) this.engine.arena.release(block, block.generation);
    this.blocks = null;
  }
}

/** Runs `body` with a workspace whose memory is given back when it returns or throws. */
export function inWorkspace<T>(engine: Engine, body: (workspace: Workspace) => T): T {
  const workspace = new Workspace(engine);
  try {
    return body(workspace);
  } finally {
    workspace.close();
  }
}
