// Writes generated/contract.ts of the wasm backend: what its TypeScript knows of its kernels. Numbers and
// records come from assembly/contract.ts, the signature of each kernel from the typings that the
// AssemblyScript compiler derives, the comments from the sources. Called by wasm.mjs.

/** Size in bytes of a field, and the view of the memory that it is written through. */
const FIELDS = {
  i32: [4, "int32"],
  usize: [4, "int32"],
  f32: [4, "float32"],
  f64: [8, "float64"],
};

/** What a wasm module calls the types of AssemblyScript; records travel as addresses. */
const WASM_TYPES = { i32: "i32", bool: "i32", usize: "i32", f32: "f32", f64: "f64", void: "" };

const COMMENT = String.raw`(?:\/\*\*(?:[^*]|\*(?!\/))*\*\/\n *)?`;

/** Names and numbers, enums and records of assembly/contract.ts; refuses what it does not understand. */
export function readContract(text) {
  const declarations = new RegExp(
    String.raw`(${COMMENT})(?:export const (\w+): (?:i32|usize) = (\d+);|` +
      String.raw`export const enum (\w+) \{\n([^}]*)\}|@unmanaged\nexport class (\w+) \{\n([^}]*)\})\n`,
    "g",
  );
  const constants = [];
  const enums = [];
  const records = [];
  const rest = text.replace(declarations, (_, doc, name, value, enumName, members, recordName, fields) => {
    if (name !== undefined) constants.push({ doc, name, value });
    else if (enumName !== undefined) {
      const names = members.split("\n").map((line) => line.trim());
      enums.push({ doc, name: enumName, members: names.filter(Boolean).map((line) => line.slice(0, -1)) });
    } else records.push({ doc, name: recordName, ...readFields(recordName, fields) });
    return "";
  });
  const left = rest.replace(/^ *\/\/.*$/gm, "").trim();
  if (left !== "") throw new Error(`contract.ts: not a constant, a const enum or a record:\n${left}`);
  return { constants, enums, records };
}

function readFields(record, text) {
  const fields = [];
  let at = 0;
  const field = new RegExp(String.raw` *(${COMMENT})(\w+): (\w+)( = 0)?;\n`, "g");
  const rest = text.replace(field, (_, doc, name, type, optional) => {
    const known = FIELDS[type];
    if (known === undefined) throw new Error(`contract.ts: ${record}.${name} is of the unknown type ${type}`);
    const [bytes, memory] = known;
    at = Math.ceil(at / bytes) * bytes;
    fields.push({ doc, name, memory, bytes, at, optional: optional !== undefined });
    at += bytes;
    return "";
  });
  if (rest.trim() !== "") throw new Error(`contract.ts: ${record} has what is no field:\n${rest}`);
  return { fields, bytes: at };
}

/** Functions in the typings that the compiler wrote: name, parameters with their types, result. */
export function readSignatures(typings) {
  const signatures = [];
  const declaration = /\/\*\*((?:[^*]|\*(?!\/))*)\*\/\n *export function (\w+)\(/g;
  for (const [, notes, name] of typings.matchAll(declaration)) {
    const parameters = [...notes.matchAll(/@param (\w+) `([\w/]+)`/g)].map(([, parameter, type]) => ({
      name: parameter,
      type: type in WASM_TYPES ? type : "usize", // a record
      record: type in WASM_TYPES ? null : type.split("/").pop(),
    }));
    signatures.push({ name, parameters, result: /@returns `(\w+)`/.exec(notes)?.[1] ?? "void" });
  }
  return signatures;
}

/** The comment before an exported function, from the sources. */
function commentOf(name, sources) {
  for (const source of sources) {
    const found = new RegExp(String.raw`(${COMMENT})export function ${name}\(`).exec(source);
    if (found !== null) return found[1].trimEnd();
  }
  return "";
}

const indented = (doc, by) => (doc ? `${doc.trim().replace(/\n */g, `\n${by} `)}\n${by}` : "");

/**
 * @param contract text of assembly/contract.ts
 * @param sources texts of all assembly files, for the comments
 * @param typings what the compiler says of each module's exports
 */
export function contractSource(contract, sources, typings) {
  const { constants, enums, records } = readContract(contract);
  const signatures = typings.flatMap(readSignatures);
  const lines = ["// Written by scripts/kernel-contract.mjs from ../assembly. Do not edit.", ""];
  for (const { doc, name, value } of constants) lines.push(`${doc}export const ${name} = ${value};`);
  for (const { doc, name, members } of enums) {
    const values = members.map((member, i) => `  ${member}: ${i},`);
    lines.push("", `${doc}export const ${name} = {`, ...values, "} as const;");
  }
  lines.push("", "/** The memory as numbers; replaced when it grows, so never kept. */");
  lines.push("export interface Memory {");
  for (const [name, type] of Object.entries({ int32: "Int32", float32: "Float32", float64: "Float64" }))
    lines.push(`  readonly ${name}: ${type}Array;`);
  lines.push("}", "", "/** Where a record of this kind was written. */");
  lines.push("export type AddressOf<Name extends string> = number & { readonly record: Name };");
  for (const { doc, name, fields, bytes } of records) {
    lines.push("", `${doc}export interface ${name} {`);
    for (const { doc, name, optional } of fields)
      lines.push(`  ${indented(doc, "  ")}readonly ${name}${optional ? "?" : ""}: number;`);
    lines.push("}", "", `/** Writes a record of ${bytes} bytes and returns \`at\`, a multiple of 8. */`);
    lines.push(
      `export function write${name}(memory: Memory, at: number, record: ${name}): AddressOf<"${name}"> {`,
    );
    for (const memory of new Set(fields.map((field) => field.memory)))
      lines.push(`  const ${memory} = memory.${memory};`);
    for (const { memory, name, bytes, at, optional } of fields)
      lines.push(
        `  ${memory}[(at + ${at}) >>> ${Math.log2(bytes)}] = record.${name}${optional ? " ?? 0" : ""};`,
      );
    lines.push(`  return at as AddressOf<"${name}">;`, "}");
  }
  lines.push("", "/** Kernels by name, with what each takes: addresses in bytes, sizes, numbers. */");
  lines.push("export interface KernelTable {");
  for (const { name, parameters, result } of signatures) {
    const typeOf = (p) => (p.record === null ? "number" : `AddressOf<"${p.record}">`);
    const list = parameters.map((p) => `${p.name}: ${typeOf(p)}`).join(", ");
    const doc = indented(commentOf(name, sources), "  ");
    lines.push(`  ${doc}readonly ${name}: (${list}) => ${result === "void" ? "void" : "number"};`);
  }
  lines.push("}", "", "/** The name of a kernel. */", "export type KernelName = keyof KernelTable;");
  lines.push("", "/** What a kernel takes. */");
  lines.push("export type Arguments<K extends KernelName> = Parameters<KernelTable[K]>;");
  lines.push("", "/** The types that each kernel takes and gives, as its module declares them. */");
  lines.push("export const SIGNATURES: Readonly<Record<KernelName, string>> = {");
  for (const { name, parameters, result } of signatures) {
    const types = parameters.map((p) => WASM_TYPES[p.type]).join(" ");
    lines.push(`  ${name}: "${types} -> ${WASM_TYPES[result]}",`);
  }
  lines.push("};", "");
  return lines.join("\n");
}
