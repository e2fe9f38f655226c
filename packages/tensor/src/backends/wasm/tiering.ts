// Has V8 compile our kernels, and only ours, with its experimental flag for 256-bit operations. V8 reads that flag when
// its optimising compiler takes up a function, which by default happens at some time, on another thread. So our modules
// are made with a budget that is used up at once, and the first calls of each kernel run in a window: the flag is set,
// V8 optimises what is called on this thread, the flag is taken back. Nothing else runs on this thread meanwhile. (Worker
// threads of the program share V8's flags: a function of theirs that V8 takes up within these milliseconds is compiled
// alike, which changes none of its results either.) Bundles for browsers have tiering-in-pages.ts instead. Read next:
// probe.ts, then engine.ts.

import { nodeRuntime } from "../../node-runtime.ts";
import { processFlags, v8Version } from "./engine-options.ts";
import type { KernelName, KernelTable } from "./generated/contract.ts";

/**
 * Versions of V8 on which the tests ran, with the default budget, which V8 does not tell: Node 24 and 26. Others keep the
 * plain code, because an untested V8 might abort on these flags.
 */
const TESTED: Readonly<Record<string, number>> = { "13.6": 13_000_000, "14.6": 13_000_000 };

/** Flags of the process that say what V8 is to do with wasm: who sets them keeps them. */
const OWN_FLAGS = /wasm|liftoff|turbo|jitless|revectorize/;

/** How many calls of a kernel run in a window; later ones reach no code that was not compiled, as a rule. */
const FIRST_CALLS = 32;

/** Kernels that choose what they call by their first arguments, and how many of these: each choice is compiled anew. */
const CHOICES: Readonly<Partial<Record<KernelName, 1 | 2>>> = {
  unary: 1,
  binary: 1,
  compare: 1,
  unaryOf: 2,
  binaryOf: 2,
  compareOf: 2,
  convert: 2,
  reduceMiddleOf: 2,
  cumsumMiddleOf: 1,
  argmaxMiddleOf: 1,
  productOf: 1,
};

type AnyKernel = (...numbers: number[]) => unknown;

/** Kernels whose first calls are compiled with the flag. */
export interface WatchedKernels {
  readonly kernels: KernelTable;
  /** True before the first call like this one: it should run on this thread alone, so that all of it is compiled. */
  fresh(name: KernelName, numbers: readonly number[]): boolean;
}

/** Which of its inner functions a call will reach: 0 for kernels without a choice. */
function choiceOf(name: KernelName, numbers: readonly number[]): number {
  const count = CHOICES[name] ?? 0;
  return count === 0 ? 0 : count === 1 ? numbers[0]! : numbers[0]! * 256 + numbers[1]!;
}

/** The flags of V8, for as long as our code compiles. */
export class Tiering {
  private readonly set: (flag: string) => void;
  private readonly budget: number;

  private constructor(set: (flag: string) => void, budget: number) {
    this.set = set;
    this.budget = budget;
  }

  /** Null where this V8 is not known to do it well, or where the process has flags of its own. */
  static find(): Tiering | null {
    const node = nodeRuntime();
    const budget = TESTED[v8Version()];
    if (node === null || budget === undefined || OWN_FLAGS.test(processFlags())) return null;
    const v8 = node.getBuiltinModule("node:v8");
    return new Tiering((flag) => v8.setFlagsFromString(flag), budget);
  }

  /** A module whose functions V8 optimises at their first calls. */
  compile(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
    this.set("--wasm-tiering-budget=1");
    try {
      return new WebAssembly.Module(bytes);
    } finally {
      this.set(`--wasm-tiering-budget=${this.budget}`);
    }
  }

  /** Runs kernels; what they call for the first time is optimised on this thread, with 256-bit operations if `wide`. */
  run<T>(wide: boolean, body: () => T): T {
    if (wide) this.set("--experimental-wasm-revectorize");
    this.set("--wasm-sync-tier-up");
    try {
      return body();
    } finally {
      this.set("--no-wasm-sync-tier-up");
      if (wide) this.set("--no-experimental-wasm-revectorize");
    }
  }

  /** The same kernels; the first calls of each, and of each of its choices, run in a window. */
  watch(kernels: KernelTable): WatchedKernels {
    const table: Record<string, AnyKernel> = {};
    const seen = new Map<string, Map<number, number>>();
    for (const [key, kernel] of Object.entries(kernels) as [KernelName, AnyKernel][]) {
      const calls = new Map<number, number>();
      seen.set(key, calls);
      table[key] = (...numbers) => {
        const choice = choiceOf(key, numbers);
        const count = calls.get(choice) ?? 0;
        if (count >= FIRST_CALLS) return kernel(...numbers);
        calls.set(choice, count + 1);
        // Without choices there is nothing left to watch.
        if (count + 1 === FIRST_CALLS && !(key in CHOICES)) table[key] = kernel;
        return this.run(true, () => kernel(...numbers));
      };
    }
    return {
      kernels: table as unknown as KernelTable,
      fresh: (name, numbers) => !seen.get(name)!.has(choiceOf(name, numbers)),
    };
  }
}
