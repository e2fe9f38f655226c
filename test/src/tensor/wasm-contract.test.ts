// The contract between the kernels and their host: what the build wrote of each kernel's signature is what the
// module says itself, and what it cannot copy from the assembly sources is refused.
import { readFileSync } from "node:fs";
import t from "tap";
import { SIGNATURES } from "../../../packages/tensor/dist/backends/wasm/generated/contract.js";
import { MODULES } from "../../../packages/tensor/dist/backends/wasm/generated/modules.js";
import { type ModuleName, moduleBytes } from "../../../packages/tensor/dist/backends/wasm/module-bytes.js";

const scripts = new URL("../../../scripts/kernel-contract.mjs", import.meta.url).href;
const { contractSource, readContract, readSignatures } = await import(scripts);
const assembly = new URL("../../../packages/tensor/src/backends/wasm/assembly/", import.meta.url);

const VALUE_TYPES: Readonly<Record<number, string>> = { 127: "i32", 126: "i64", 125: "f32", 124: "f64" };

/** The exported functions of a module and their types, from its binary (WebAssembly core specification, 5.5). */
function exportedFunctions(bytes: Uint8Array): Record<string, string> {
  let at = 8;
  const integer = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const list = <T>(item: () => T): T[] => Array.from({ length: integer() }, item);
  const name = (): string => {
    const length = integer();
    at += length;
    return new TextDecoder().decode(bytes.subarray(at - length, at));
  };
  const limits = (): void => {
    if (bytes[at++]! & 1) integer();
    integer();
  };
  const types: string[] = [];
  const functions: number[] = [];
  const found: Record<string, string> = {};
  while (at < bytes.length) {
    const section = bytes[at++]!;
    const size = integer();
    const end = at + size;
    if (section === 1) {
      types.push(
        ...list(() => {
          at++;
          const parameters = list(() => VALUE_TYPES[bytes[at++]!]!);
          return `${parameters.join(" ")} -> ${list(() => VALUE_TYPES[bytes[at++]!]!).join(" ")}`;
        }),
      );
    } else if (section === 2) {
      list(() => {
        name();
        name();
        if (bytes[at++] === 0) functions.push(integer());
        else limits();
      });
    } else if (section === 3) {
      functions.push(...list(integer));
    } else if (section === 7) {
      list(() => {
        const what = name();
        const kind = bytes[at++]!;
        const index = integer();
        if (kind === 0) found[what] = types[functions[index]!]!;
      });
    }
    at = end;
  }
  return found;
}

t.test("the signatures that the host is compiled with are those of the modules", async (t) => {
  const kernels = exportedFunctions(moduleBytes(MODULES, "kernels", false));
  const tiles: ModuleName[] = ["gemm4x8", "gemm4x16", "gemm4x8Fma", "gemm6x8Fma", "gemm4x16Fma"];
  for (const tile of tiles) {
    t.same({ ...kernels, ...exportedFunctions(moduleBytes(MODULES, tile, false)) }, SIGNATURES, tile);
  }
  const lengths = Object.values(SIGNATURES).map((text) => text.split(" -> ")[0]!.split(" ").length);
  t.ok(Math.max(...lengths) <= 10, "no kernel takes more than ten numbers: the others take a record");
});

t.test("a changed export is noticed", async (t) => {
  const bytes = moduleBytes(MODULES, "gemm4x8", false);
  const text = new TextDecoder("latin1").decode(bytes);
  bytes[text.indexOf("gemm", text.indexOf("scratchBytes") - 40)] = "h".charCodeAt(0);
  t.notSame(
    { ...exportedFunctions(moduleBytes(MODULES, "kernels", false)), ...exportedFunctions(bytes) },
    SIGNATURES,
  );
});

t.test("numbers and records are copied from the assembly sources, with their comments", async (t) => {
  const { constants, enums, records } = readContract(`// A file.
/** So many. */
export const MANY: i32 = 12;
export const enum Kind {
  one,
  two,
}
@unmanaged
export class Task {
  /** Where. */
  at: usize;
  size: i32 = 0;
  rate: f64;
}
`);
  t.same(constants, [{ doc: "/** So many. */\n", name: "MANY", value: "12" }]);
  t.same(enums, [{ doc: "", name: "Kind", members: ["one", "two"] }]);
  const [{ name, bytes, fields }] = records;
  t.same([name, bytes], ["Task", 16]);
  t.same(
    fields.map((field: { name: string; at: number; optional: boolean }) => [
      field.name,
      field.at,
      field.optional,
    ]),
    [
      ["at", 0, false],
      ["size", 4, true],
      ["rate", 8, false],
    ],
  );
  const text = readFileSync(new URL("contract.ts", assembly), "utf8");
  t.match(contractSource(text, [], []), "export const PART = 65536;");
});

t.test("what the build cannot copy is refused", async (t) => {
  t.throws(() => readContract("export const HALF: f32 = 0.5;\n"), {
    message: "contract.ts: not a constant, a const enum or a record:\nexport const HALF: f32 = 0.5;",
  });
  t.throws(() => readContract("@unmanaged\nexport class Task {\n  big: i64;\n}\n"), {
    message: "contract.ts: Task.big is of the unknown type i64",
  });
  t.throws(() => readContract("@unmanaged\nexport class Task {\n  big: i32 = 3;\n}\n"), {
    message: "contract.ts: Task has what is no field:\n  big: i32 = 3;\n",
  });
});

t.test("a record in a signature is an address", async (t) => {
  const typings = `
  /**
   * assembly/t/foo
   * @param task \`assembly/contract/Product\`
   * @param s \`f32\`
   * @returns \`i32\`
   */
  export function foo(task: __Record0<undefined>, s: number): number;
`;
  t.same(readSignatures(typings), [
    {
      name: "foo",
      parameters: [
        { name: "task", type: "usize", record: "Product" },
        { name: "s", type: "f32", record: null },
      ],
      result: "i32",
    },
  ]);
});
