// Quotes declarations from the sources of this repository by file and name, when the site is built. A name that is gone
// breaks the build, so that the course cannot show code that no longer exists.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** Root of the repository. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** The most lines that one quotation may have. */
export const MOST_LINES = 60;

/** Name of a declaration, method or property; undefined for what has none, and where a name is only used (`this.#name`). */
const nameOf = (node) =>
  ts.isPropertyAccessExpression(node) ? undefined : (node.name?.text ?? node.name?.getText?.());

/** The declarations of a file itself, without those inside them. */
const declared = (tree) =>
  tree.statements.flatMap((one) =>
    ts.isVariableStatement(one) ? [...one.declarationList.declarations] : [one],
  );

/**
 * The node that `path` names below `node`: ["Module", "forward"] is a method, ["VJPS", "matmul"] a property. What a file
 * declares itself comes before what is inside, where the same name may only be used.
 */
function find(node, [first, ...rest]) {
  const own = ts.isSourceFile(node) ? declared(node).find((one) => nameOf(one) === first) : undefined;
  if (own !== undefined) return rest.length === 0 ? own : find(own, rest);
  let found;
  const visit = (child) => {
    if (found !== undefined) return;
    if (child !== node && nameOf(child) === first) {
      found = rest.length === 0 ? child : find(child, rest);
      if (found !== undefined) return;
    }
    ts.forEachChild(child, visit);
  };
  visit(node);
  return found;
}

/** Without the indentation that all lines share. */
function dedent(text, column) {
  return text
    .split("\n")
    .map((line, i) => (i > 0 && line.startsWith(" ".repeat(column)) ? line.slice(column) : line))
    .join("\n");
}

/**
 * The text of a declaration, without its doc comment.
 *
 * @param file path from the root of the repository
 * @param name a function, constant, class or interface; `Class.method` or `TABLE.key` for what is inside one
 * @returns the code, and the number of its first line
 */
export function quote(file, name) {
  const { text, tree, node } = declaration(file, name);
  const start = node.getStart(tree);
  const { line, character } = tree.getLineAndCharacterOfPosition(start);
  const end = text[node.end] === "," ? node.end + 1 : node.end;
  return { code: dedent(text.slice(start, end), character), line: line + 1 };
}

/** A declaration in its file. */
function declaration(file, name) {
  const text = readFileSync(join(ROOT, file), "utf8");
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  const node = find(tree, name.split("."));
  if (node === undefined) throw new Error(`course: ${file} has no "${name}"; was it renamed?`);
  return { text, tree, node: ts.isVariableDeclaration(node) ? node.parent.parent : node };
}

/** Several declarations of one file as one quotation of at most {@link MOST_LINES} lines. */
export function quoteAll(file, names) {
  const parts = names.map((name) => quote(file, name));
  const code = parts.map((part) => part.code).join("\n\n");
  const lines = code.split("\n").length;
  if (lines > MOST_LINES)
    throw new Error(
      `course: ${file}: ${names.join(", ")}: expected at most ${MOST_LINES} lines, got ${lines}`,
    );
  return { code, line: parts[0].line };
}

/** Number of lines of a file of the repository, or with a name those of this declaration and its comment. */
export function linesOf(file, name) {
  if (name === undefined) return readFileSync(join(ROOT, file), "utf8").trimEnd().split("\n").length;
  const { text, tree, node } = declaration(file, name);
  return text.slice(node.getStart(tree, true), node.end).split("\n").length;
}

/** What a file is: the first sentence of the comment that it opens with. */
export function aboutFile(file) {
  const comment = /^(?:\/\/.*\n)+/.exec(readFileSync(join(ROOT, file), "utf8"))?.[0] ?? "";
  const sentence = /^[\s\S]*?[.](?=\s|$)/.exec(comment.replace(/^\/\/ ?/gm, ""))?.[0];
  if (sentence === undefined)
    throw new Error(`course: ${file} does not open with a comment that says what it is`);
  return sentence.replace(/\s+/g, " ");
}

/**
 * One item of a reading list.
 *
 * @param item `FILE`, or `FILE#NAME,NAME` for declarations of it with their comments
 * @returns the file, the names (none for the whole), number of lines, what the file is
 */
export function readingOf(item) {
  const [file, list = ""] = item.split("#");
  const names = list.split(",").filter((name) => name !== "");
  const lines =
    names.length === 0 ? linesOf(file) : names.reduce((sum, name) => sum + linesOf(file, name), 0);
  return { file, names, lines, about: aboutFile(file) };
}
