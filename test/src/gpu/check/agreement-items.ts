// Is it right? Every op and every gradient against the reference backend and PyTorch, and the traps of gpu.js.
import { cpus } from "node:os";
import { gpuInfo } from "@echo-ts/tensor";
import { readGoldenCases } from "../../read-golden.ts";
import { compareChain } from "../chain-cases.ts";
import { goldenNames, runGolden } from "../golden-run.ts";
import { compareLarge, LARGE_CASES } from "../large-cases.ts";
import { compareGradients, compareOp, OP_NAMES } from "../op-cases.ts";
import { runTrap, TRAPS } from "../traps.ts";
import type { Item, Row } from "./item.ts";

/** Largest allowed distance from the reference backend, over the largest magnitude. */
const TOLERANCE = 1e-5;
const CHAINS = 60;

interface WebGpuAdapter {
  readonly info: Readonly<Record<string, unknown>>;
  readonly limits: Readonly<Record<string, number>>;
  readonly features: ReadonlySet<string>;
}

const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
];

/** What WebGPU tells of its adapter. */
async function adapterFacts(): Promise<Record<string, string>> {
  const { gpu } = globalThis.navigator as unknown as {
    gpu?: { requestAdapter(): Promise<WebGpuAdapter | null> };
  };
  const adapter = await gpu?.requestAdapter();
  if (adapter === null || adapter === undefined) return {};
  const { info, limits, features } = adapter;
  const facts: Record<string, string> = {};
  for (const key of ["vendor", "architecture", "device", "description"]) facts[key] = String(info[key]);
  for (const key of LIMITS) facts[key] = String(limits[key]);
  facts.features = [...features].join(" ");
  return facts;
}

const adapter: Item = {
  name: "adapter",
  about: "What computes.",
  limit: 40,
  alone: false,
  async *run({ mode }) {
    const [cpu] = cpus();
    const facts = {
      adapter: gpuInfo()!.adapter,
      software: String(gpuInfo()!.software),
      mode,
      ...(mode === "webgpu" ? await adapterFacts() : {}),
      node: process.version,
      processor: `${cpus().length} x ${cpu?.model}`,
    };
    for (const [name, value] of Object.entries(facts)) yield { name, ok: true, value };
  },
};

const traps: Item = {
  name: "traps",
  about: "What gpu.js gets wrong without a word, unless the backend avoids it.",
  limit: 60,
  alone: false,
  async *run({ backend, at }) {
    for (const trap of TRAPS) {
      at(trap.name);
      const given = await runTrap(trap, backend);
      const ok = JSON.stringify(given) === JSON.stringify(trap.expected);
      const row = { name: trap.name, ok };
      yield ok ? row : { ...row, given: JSON.stringify(given), expected: JSON.stringify(trap.expected) };
    }
  },
};

/** A row about a distance; what failed altogether is a row too. */
async function distance(
  name: string,
  limit: number,
  measure: () => Promise<{ readonly worst: number; readonly at: string; readonly cases: number }>,
): Promise<Row> {
  try {
    const { worst, at, cases } = await measure();
    return { name, ok: worst <= limit, worst, at, cases };
  } catch (error) {
    return { name, ok: false, worst: Number.POSITIVE_INFINITY, at: String(error), cases: 0 };
  }
}

const ops: Item = {
  name: "ops",
  about: `Distance of each op from the reference backend in the maximum norm, over all its shapes and layouts; at most ${TOLERANCE}.`,
  limit: 180,
  alone: false,
  async *run({ backend, at }) {
    for (const op of OP_NAMES) {
      at(op);
      yield await distance(op, TOLERANCE, () => compareOp(op, backend));
    }
  },
};

const gradients: Item = {
  name: "gradients",
  about: `The same for the gradients of each op with respect to all its real inputs; at most ${TOLERANCE}. Ops without gradient have 0 cases.`,
  limit: 180,
  alone: false,
  async *run({ backend, at }) {
    for (const op of OP_NAMES) {
      at(op);
      yield await distance(op, TOLERANCE, () => compareGradients(op, backend));
    }
  },
};

const golden: Item = {
  name: "golden",
  about: "PyTorch's values and gradients, as a share of the tolerance that all backends are held to.",
  limit: 150,
  alone: false,
  brief: "worst",
  async *run({ backend, at }) {
    const cases = readGoldenCases();
    for (const name of goldenNames(cases)) {
      at(name);
      yield await distance(name, 1, async () => {
        const { worst, tensors } = await runGolden(cases, name, backend);
        return { worst, at: "", cases: tensors };
      });
    }
  },
};

const chains: Item = {
  name: "chains",
  about: "Random formulas of elementwise ops, against the reference backend.",
  limit: 90,
  alone: false,
  brief: "worst",
  async *run({ backend, at }) {
    for (let seed = 0; seed < CHAINS; seed++) {
      at(`${seed}`);
      yield await distance(`${seed}`, TOLERANCE, async () => ({
        worst: await compareChain(seed, backend),
        at: "",
        cases: 2,
      }));
    }
  },
};

const large: Item = {
  name: "large",
  about: `Ops at sizes where the backend takes other ways, against the reference backend; at most ${TOLERANCE}.`,
  limit: 120,
  alone: false,
  async *run({ backend, at }) {
    for (const one of LARGE_CASES) {
      at(one.name);
      yield await distance(one.name, TOLERANCE, async () => ({
        worst: await compareLarge(one, backend),
        at: "",
        cases: 1,
      }));
    }
  },
};

/** Items about right and wrong. */
export const AGREEMENT_ITEMS: readonly Item[] = [adapter, traps, ops, gradients, golden, chains, large];
