// The TypeScript blocks of the READMEs as files that compile, with declarations for those that go on from the text
// around them. Used offline by consumer.test.ts and with other compilers by consumers.ts.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..", "..", "..");

/** The packages that are published, in the order in which they depend on each other. */
export const PACKAGES = ["tensor", "autograd", "audio", "echo-model"] as const;

/** What stands before a block, by the first words of the block. */
const CONTEXT: Readonly<Record<string, string>> = {
  "const context = new AudioContext": `declare const workletUrl: string;
    declare function draw(...values: unknown[]): void;`,
  "import { PitchStream": "declare const signal: Float32Array;",
  "const history": `import { crossEntropyLoss, Linear } from "@echo-ts/autograd";
    import { keep, tensor, type Tensor } from "@echo-ts/tensor";
    const model = new Linear(2, 2).initialize(1);
    const [x, labels] = [tensor([[1, 2]]), tensor([0], { dtype: "int32" })];`,
};

/** Names of files: those that a browser's project can hold, and those that need Node. */
export interface ConsumerFiles {
  readonly browser: readonly string[];
  readonly node: readonly string[];
}

/** Writes one file for each block into `folder`. @returns their names */
export function writeReadmeBlocks(folder: string): ConsumerFiles {
  const files = { browser: [] as string[], node: [] as string[] };
  for (const path of [
    "README.md",
    "docs/runtimes.md",
    ...PACKAGES.map((name) => `packages/${name}/README.md`),
  ]) {
    const text = readFileSync(join(ROOT, path), "utf8");
    for (const [i, [, code]] of [...text.matchAll(/```ts\n([\s\S]*?)```/g)].entries()) {
      const start = Object.keys(CONTEXT).find((words) => code!.startsWith(words));
      const file = `${path.replaceAll("/", "-").replace(".md", "")}-${i}.ts`;
      writeFileSync(join(folder, file), `${start ? CONTEXT[start] : ""}\n${code}\nexport {};\n`);
      files[/node:|@echo-ts\/[\w-]+\/node"/.test(code!) ? "node" : "browser"].push(file);
    }
  }
  return files;
}

/** Compiler options of the strictest project; only the compiler's own library is not checked. */
const STRICT = {
  target: "ES2023",
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  skipDefaultLibCheck: true,
  noEmit: true,
};

/** Projects of strangers, by what they are; each is a tsconfig.json. */
export function consumerProjects({ browser, node }: ConsumerFiles): Readonly<Record<string, object>> {
  const lib = ["ES2023", "DOM", "DOM.Iterable"];
  const files = [...browser, ...node];
  return {
    "a browser's, bundler": {
      compilerOptions: { ...STRICT, module: "ESNext", moduleResolution: "bundler", lib, types: [] },
      files: browser,
    },
    ...Object.fromEntries(
      ["Node16", "NodeNext"].map((module) => [
        `Node's, ${module}`,
        { compilerOptions: { ...STRICT, module, lib, types: ["node"] }, files },
      ]),
    ),
  };
}
