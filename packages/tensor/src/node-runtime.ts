// The modules of Node that are used where there is a Node. Read next: backends/wasm/engine.ts, which asks for threads.

/** The parts of Node that are used, found without an import so that bundles for browsers need no shims. */
export interface NodeRuntime {
  getBuiltinModule(name: "node:v8"): { setFlagsFromString(flags: string): void };
  getBuiltinModule(name: "node:vm"): { runInNewContext(code: string): unknown };
  getBuiltinModule(name: "node:util"): {
    inspect(value: object, options: { showHidden: true; maxArrayLength: null }): string;
  };
  getBuiltinModule(name: "node:os"): { availableParallelism(): number };
  // Spelt out: the types of Node would reach programs for browsers, which do not have them.
  getBuiltinModule(name: "node:worker_threads"): {
    Worker: new (source: string, options: object) => { unref(): void };
  };
}

const { process } = globalThis as {
  readonly process?: { readonly versions?: { readonly node?: string }; readonly getBuiltinModule?: unknown };
};

/** Node's module loader, or null elsewhere and before Node 20.16. */
export function nodeRuntime(): NodeRuntime | null {
  const found = process?.versions?.node !== undefined && typeof process.getBuiltinModule === "function";
  return found ? (process as unknown as NodeRuntime) : null;
}
