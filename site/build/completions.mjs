// What the REPL's editor completes: every exported name of the packages, with its type and the first sentence of its
// comment, and the members of tensors. Read off the .d.ts files when the site is built.
import { join } from "node:path";
import ts from "typescript";
import { ROOT } from "./quote.mjs";

/** Entries that code in the page can import, by name. */
const ENTRIES = {
  "@echo-ts/tensor": "packages/tensor/dist/index.d.ts",
  "@echo-ts/autograd": "packages/autograd/dist/index.d.ts",
  "@echo-ts/audio": "packages/audio/dist/index.d.ts",
  "@echo-ts/echo-model": "packages/echo-model/dist/index.d.ts",
  "@echo-ts/echo-model/model": "packages/echo-model/dist/model/index.d.ts",
  "@echo-ts/echo-model/study": "packages/echo-model/dist/study/index.d.ts",
};

const firstSentence = (text) => /^[\s\S]*?[.;](?=\s|$)/.exec(text)?.[0].replace(/\s+/g, " ") ?? text;

/** Name, text of the type, first sentence of the comment. */
function describe(checker, symbol) {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  if (!(target.flags & (ts.SymbolFlags.Value | ts.SymbolFlags.Method | ts.SymbolFlags.Property))) return null;
  const declaration = target.valueDeclaration ?? target.declarations?.[0];
  if (declaration === undefined) return null;
  const kind = target.flags & ts.SymbolFlags.Class ? "class" : "function";
  const type = checker.typeToString(checker.getTypeOfSymbolAtLocation(target, declaration));
  const comment = ts.displayPartsToString(target.getDocumentationComment(checker));
  return { label: symbol.name, kind, type: type.slice(0, 200), comment: firstSentence(comment) };
}

/** All completions: `names` by package, `members` of a tensor. */
export function completions() {
  const files = Object.values(ENTRIES).map((file) => join(ROOT, file));
  const options = { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2023, skipLibCheck: true };
  const program = ts.createProgram(files, { ...options, types: [] });
  const checker = program.getTypeChecker();
  const names = Object.entries(ENTRIES).flatMap(([from, file]) => {
    const source = checker.getSymbolAtLocation(program.getSourceFile(join(ROOT, file)));
    return checker
      .getExportsOfModule(source)
      .map((symbol) => describe(checker, symbol))
      .filter((one) => one !== null)
      .map((one) => ({ ...one, from }));
  });
  const main = checker.getSymbolAtLocation(program.getSourceFile(join(ROOT, ENTRIES["@echo-ts/tensor"])));
  const tensor = checker.getExportsOfModule(main).find(({ name }) => name === "Tensor");
  const type = checker.getDeclaredTypeOfSymbol(
    tensor.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(tensor) : tensor,
  );
  // Most methods are those of functions under the same name, by a mapped type: their symbols have no declaration.
  const comments = new Map(names.map(({ label, comment }) => [label, comment]));
  const members = checker
    .getPropertiesOfType(type)
    .filter(({ name }) => /^[a-zA-Z]\w*$/.test(name))
    .map((symbol) => {
      const shown = checker.typeToString(checker.getTypeOfSymbol(symbol)).slice(0, 200);
      const own = firstSentence(ts.displayPartsToString(symbol.getDocumentationComment(checker)));
      const kind = symbol.flags & ts.SymbolFlags.Accessor ? "property" : "function";
      return { label: symbol.name, kind, type: shown, comment: own || (comments.get(symbol.name) ?? "") };
    });
  return { names, members };
}
