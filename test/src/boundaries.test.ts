// The rules of the house that a compiler does not check: who may import whom, no cycles, no hidden randomness,
// no `any` in public types, documented exports, a lockfile without addresses. ARCHITECTURE.md has the reasons.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import t from "tap";
import ts from "typescript";

t.setTimeout(300_000); // every source is parsed, also on a busy machine

const ROOT = join(import.meta.dirname, "..", "..");

/** What each part may import: npm names besides its own dependencies are refused, ours are listed here. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  "packages/tensor": [],
  "packages/autograd": ["@echo-ts/tensor"],
  "packages/audio": [],
  "packages/echo-model": ["@echo-ts/tensor", "@echo-ts/autograd", "@echo-ts/audio"],
  examples: ["@echo-ts/tensor", "@echo-ts/autograd", "@echo-ts/audio", "@echo-ts/echo-model"],
  site: ["@echo-ts/tensor", "@echo-ts/autograd", "@echo-ts/audio", "@echo-ts/echo-model"],
};

/** Compiled files outside of its src that a part may import: the site runs the Whisper example as it is. */
const COMPILED: Readonly<Record<string, string>> = { site: join(ROOT, "examples", "dist", "whisper") };

/** Packages whose main entry browsers must be able to bundle: nothing that it reaches imports Node's modules. */
const BROWSER_PACKAGES = ["packages/tensor", "packages/autograd", "packages/audio"];

interface Import {
  readonly from: string;
  /** `import type`: gone at run time. */
  readonly typeOnly: boolean;
  readonly dynamic: boolean;
}

interface Source {
  readonly path: string;
  readonly tree: ts.SourceFile;
  readonly imports: readonly Import[];
}

const inRoot = (path: string) => relative(ROOT, path).split(sep).join("/");

function filesBelow(folder: string, ending: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending) && !name.includes("node_modules"))
    .map((name) => join(ROOT, folder, name));
}

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  node.forEachChild((child) => walk(child, visit));
}

function parse(path: string): Source {
  const tree = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
  const imports: Import[] = [];
  walk(tree, (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      const { moduleSpecifier } = node;
      if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)) return;
      const typeOnly = ts.isImportDeclaration(node)
        ? node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
        : node.isTypeOnly;
      imports.push({ from: moduleSpecifier.text, typeOnly, dynamic: false });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument !== undefined && ts.isStringLiteral(argument))
        imports.push({ from: argument.text, typeOnly: false, dynamic: true });
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      const { literal } = node.argument;
      if (ts.isStringLiteral(literal)) imports.push({ from: literal.text, typeOnly: true, dynamic: false });
    }
  });
  return { path, tree, imports };
}

// AssemblyScript is another language with imports of its own; only its randomness is looked at, below.
const sourcesOf = (part: string): Source[] =>
  filesBelow(`${part}/src`, ".ts")
    .filter((path) => !inRoot(path).includes("/assembly/"))
    .map(parse);
const SOURCES: ReadonlyMap<string, readonly Source[]> = new Map(
  Object.keys(LAYERS).map((part) => [part, sourcesOf(part)]),
);

/** `@scope/name/sub` -> `@scope/name`. */
const packageOf = (from: string) =>
  from
    .split("/")
    .slice(0, from.startsWith("@") ? 2 : 1)
    .join("/");

for (const [part, ours] of Object.entries(LAYERS)) {
  t.test(`${part} imports only what the design allows`, async (t) => {
    const manifest: Record<string, Record<string, string>> = JSON.parse(
      readFileSync(join(ROOT, part, "package.json"), "utf8"),
    );
    const shipped = {
      ...manifest.dependencies,
      ...manifest.peerDependencies,
      ...manifest.optionalDependencies,
    };
    const sources = SOURCES.get(part)!;
    t.ok(sources.length > 0, "has sources");
    for (const { path, imports } of sources) {
      for (const { from, typeOnly, dynamic } of imports) {
        const where = `${inRoot(path)} imports ${from}`;
        if (from.startsWith(".")) {
          if (dirname(resolve(dirname(path), from)) === COMPILED[part]) continue;
          if (!resolve(dirname(path), from).startsWith(join(ROOT, part, "src") + sep))
            t.fail(`${where}: leaves src`);
          if (!from.endsWith(".ts")) t.fail(`${where}: relative imports end in .ts`);
        } else if (from.startsWith("@echo-ts/")) {
          if (!ours.includes(packageOf(from))) t.fail(`${where}: the layers forbid it`);
          if (!(packageOf(from) in shipped)) t.fail(`${where}: not declared`);
        } else if (!isBuiltin(from) && !(packageOf(from) in shipped)) {
          // A package that only gives types, or is loaded when it happens to be installed, need not be shipped.
          const development = packageOf(from) in (manifest.devDependencies ?? {});
          if (!development || !(typeOnly || dynamic)) t.fail(`${where}: not declared`);
        }
      }
    }
  });
}

/** The file that a relative import names. */
const target = (source: Source, { from }: Import) => resolve(dirname(source.path), from);

t.test("the main entries of the browser packages reach no module of Node", async (t) => {
  for (const part of BROWSER_PACKAGES) {
    const byPath = new Map(SOURCES.get(part)!.map((source) => [source.path, source]));
    const reached = new Set([join(ROOT, part, "src", "index.ts")]);
    for (const path of reached) {
      const source = byPath.get(path)!;
      for (const one of source.imports) {
        if (one.typeOnly) continue;
        if (one.from.startsWith(".")) reached.add(target(source, one));
        else if (isBuiltin(one.from)) t.fail(`${inRoot(path)} imports ${one.from}`);
      }
    }
    t.ok(reached.size > 0, part);
  }
});

/** The sources of the package whose path starts with one of `places` and not with one of `except`. */
const sourcesAt = (part: string, places: readonly string[], except: readonly string[] = []): Source[] =>
  SOURCES.get(part)!.filter(({ path }) => {
    const place = relative(join(ROOT, part, "src"), path)
      .split(sep)
      .join("/");
    const starts = (start: string) => place.startsWith(start);
    return places.some(starts) && !except.some(starts);
  });

/** Every identifier of `names` in the sources, as "FILE: NAME". */
function mentions(sources: readonly Source[], names: readonly string[]): string[] {
  const found: string[] = [];
  for (const { path, tree } of sources) {
    walk(tree, (node) => {
      if (ts.isIdentifier(node) && names.includes(node.text)) found.push(`${inRoot(path)}: ${node.text}`);
    });
  }
  return found;
}

t.test(
  "memory has one owner: only memory.ts gives it back, and only the engine says what may go",
  async (t) => {
    const autograd = "packages/autograd";
    const layers = sourcesAt(autograd, ["nn/", "optim/", "data/", "losses", "ctc"]);
    t.ok(layers.length > 20, "the folders are where this test looks");
    t.same(mentions(layers, ["storage", "Storage"]), [], "layers, losses and optimisers name no storage");
    const ownership = ["Owner", "Scope", "adopt", "closeAll"];
    const outside = sourcesAt(autograd, [""], ["tape.ts", "sweep"]);
    t.same(
      mentions(outside, ownership).filter(
        (mention) => !/(variable|slots|averaging)\.ts: adopt$/.test(mention),
      ),
      [],
      "owners and scopes are named in tape.ts and the sweep; parameters and optimisers adopt what lasts",
    );
    const tensor = "packages/tensor";
    const hooks = ["closedBy", "owned"];
    const elsewhere = sourcesAt(tensor, [""], ["memory.ts", "backend.ts", "backends/"]);
    t.same(
      mentions(elsewhere, hooks).filter((mention) => !/(apply|print-tensor)\.ts: closedBy$/.test(mention)),
      [],
      "the fields of ownership are memory.ts's; apply and printing look whether a storage is closed",
    );
  },
);

/** The first cycle among the keys, as a path, or undefined. */
function findCycle(edges: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const finished = new Set<string>();
  const trail: string[] = [];
  const visit = (node: string): string[] | undefined => {
    if (finished.has(node)) return undefined;
    const start = trail.indexOf(node);
    if (start >= 0) return [...trail.slice(start), node];
    trail.push(node);
    for (const next of edges.get(node) ?? []) {
      const cycle = visit(next);
      if (cycle !== undefined) return cycle;
    }
    trail.pop();
    finished.add(node);
    return undefined;
  };
  for (const node of edges.keys()) {
    const cycle = visit(node);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

t.test("the search for cycles finds one", async (t) => {
  const graph = (text: string) => new Map(text.split(" ").map((edge) => [edge[0]!, [...edge.slice(1)]]));
  t.same(findCycle(graph("abc bd cd d")), undefined);
  t.same(findCycle(graph("ab bcd cb d")), ["b", "c", "b"]);
  t.same(findCycle(graph("aa")), ["a", "a"]);
});

/**
 * Files that types may point up to, and why. `methods.ts` and `op-table.ts` are read off the functions and rows of
 * ops/: Tensor has the functions as its methods, and the kernels of a Backend are named like the ops. The others
 * are two files of one thing that name each other's types.
 */
const TYPES_MAY_POINT_TO: Readonly<Record<string, readonly string[]>> = {
  "packages/tensor/src/methods.ts": ["packages/tensor/src/tensor.ts"],
  "packages/tensor/src/op-table.ts": [
    "packages/tensor/src/op.ts",
    "packages/tensor/src/tensor.ts",
    "packages/tensor/src/apply.ts",
    "packages/tensor/src/backend.ts",
  ],
  "packages/autograd/src/nn/module.ts": [
    "packages/autograd/src/nn/state-dict.ts",
    "packages/autograd/src/nn/summary.ts",
  ],
  "packages/audio/src/decode.ts": ["packages/audio/src/codecs.ts"],
};

/** Each file with the files it imports; without types or with them, less the exceptions above. */
const importGraph = (sources: readonly Source[], types: boolean): Map<string, string[]> =>
  new Map(
    sources.map((source) => {
      const path = inRoot(source.path);
      const targets = source.imports
        .filter(({ from, typeOnly }) => from.startsWith(".") && (types || !typeOnly))
        .filter((one) => !one.typeOnly || !TYPES_MAY_POINT_TO[inRoot(target(source, one))]?.includes(path))
        .map((one) => inRoot(target(source, one)));
      return [path, targets];
    }),
  );

t.test("no files of a package import each other in a circle", async (t) => {
  for (const [part, sources] of SOURCES) {
    t.equal(findCycle(importGraph(sources, false))?.join(" -> "), undefined, part);
  }
});

t.test("no types of a package need each other in a circle but where it is said why", async (t) => {
  const needless = new Set(
    Object.entries(TYPES_MAY_POINT_TO).flatMap(([to, files]) => files.map((from) => `${from} -> ${to}`)),
  );
  for (const [part, sources] of SOURCES) {
    t.equal(findCycle(importGraph(sources, true))?.join(" -> "), undefined, part);
    for (const source of sources)
      for (const one of source.imports)
        if (one.typeOnly) needless.delete(`${inRoot(source.path)} -> ${inRoot(target(source, one))}`);
  }
  t.same([...needless], [], "every exception is in use");
});

/** Rooms of echo-model from the bottom up, with the files that stand beside them; each may import what stands before it. */
const ROOMS = [
  "version.ts",
  "errors.ts",
  "edit-distance.ts",
  "settings",
  "text",
  "language",
  "model",
  "reference",
  "data",
  "speech",
  "study",
  "evaluate",
  "train",
  "experiment",
  "figures",
  "cli",
];

t.test("no import of echo-model runs uphill, from one room to a later one", async (t) => {
  const src = "packages/echo-model/src";
  const roomOf = (path: string) =>
    inRoot(path)
      .slice(src.length + 1)
      .split("/")[0]!;
  // The entries that users import stand above everything.
  const entries = (room: string) => room === "index.ts" || room === "node.ts";
  for (const source of SOURCES.get("packages/echo-model")!) {
    const from = roomOf(source.path);
    if (entries(from)) continue;
    if (!ROOMS.includes(from))
      t.fail(`${inRoot(source.path)}: ${from} is no room, expected one of ${ROOMS.join(", ")}`);
    for (const one of source.imports.filter(({ from: name }) => name.startsWith("."))) {
      const to = roomOf(target(source, one));
      if (entries(to) || ROOMS.indexOf(to) > ROOMS.indexOf(from))
        t.fail(`${inRoot(source.path)} imports ${one.from}: ${to} stands above ${from}`);
    }
  }
  t.ok(ROOMS.length > 0);
});

t.test("no packages depend on each other in a circle", async (t) => {
  const names = [...Object.keys(LAYERS), "test"];
  const manifests = names.map((part) => JSON.parse(readFileSync(join(ROOT, part, "package.json"), "utf8")));
  const edges = new Map(
    manifests.map(({ name, dependencies = {}, devDependencies = {} }): [string, string[]] => [
      name,
      Object.keys({ ...dependencies, ...devDependencies }).filter((other) => other.startsWith("@echo-ts/")),
    ]),
  );
  t.equal(edges.size, names.length);
  t.equal(findCycle(edges)?.join(" -> "), undefined);
});

t.test("every random draw comes from a seeded stream", async (t) => {
  const files = ["packages", "examples", "site", "test", "scripts"].flatMap((folder) => [
    ...filesBelow(folder, ".ts"),
    ...filesBelow(folder, ".mjs"),
  ]);
  const written = files.filter((path) => !/\/(dist|lib|fixtures|\.tap)\//.test(`/${inRoot(path)}`));
  t.ok(written.length > 20);
  for (const path of written) {
    walk(parse(path).tree, (node) => {
      if (ts.isPropertyAccessExpression(node) && node.getText() === "Math.random")
        t.fail(`${inRoot(path)} uses Math.random: take a stream of @echo-ts/tensor`);
    });
  }
});

t.test("no public type is any", async (t) => {
  for (const part of Object.keys(LAYERS).filter((part) => part.startsWith("packages/"))) {
    const declarations = filesBelow(`${part}/dist`, ".d.ts");
    t.ok(declarations.length > 0, part);
    for (const path of declarations) {
      walk(parse(path).tree, (node) => {
        if (node.kind === ts.SyntaxKind.AnyKeyword)
          t.fail(`${inRoot(path)}: ${node.parent.getText().slice(0, 80)}`);
      });
    }
  }
});

/** Each name that a file exports, with the statements that declare it (overloads, merged interfaces). */
function exportsOf(path: string, sources: ReadonlyMap<string, Source>): Map<string, ts.Node[]> {
  const found = new Map<string, ts.Node[]>();
  const source = sources.get(path);
  for (const node of source?.tree.statements ?? []) {
    if (
      ts.isExportDeclaration(node) &&
      node.moduleSpecifier !== undefined &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      const inner = exportsOf(resolve(dirname(path), node.moduleSpecifier.text), sources);
      if (node.exportClause === undefined)
        for (const [name, declaration] of inner) found.set(name, declaration);
      else if (ts.isNamedExports(node.exportClause))
        for (const { name, propertyName } of node.exportClause.elements) {
          const declaration = inner.get((propertyName ?? name).text);
          if (declaration !== undefined) found.set(name.text, declaration);
        }
    } else if (
      ts.canHaveModifiers(node) &&
      ts.getModifiers(node)?.some((x) => x.kind === ts.SyntaxKind.ExportKeyword)
    ) {
      const names = ts.isVariableStatement(node)
        ? node.declarationList.declarations.map(({ name }) => name.getText())
        : "name" in node && node.name !== undefined
          ? [(node.name as ts.Identifier).text]
          : [];
      for (const name of names) found.set(name, [...(found.get(name) ?? []), node]);
    }
  }
  return found;
}

t.test("every public export has a doc comment", async (t) => {
  for (const [part, sources] of SOURCES) {
    if (!part.startsWith("packages/")) continue;
    const byPath = new Map(sources.map((source) => [source.path, source]));
    const { exports } = JSON.parse(readFileSync(join(ROOT, part, "package.json"), "utf8"));
    for (const { default: built } of Object.values<{ default: string }>(exports)) {
      const entry = built.replace("./dist/", "src/").replace(/\.js$/, ".ts");
      const names = exportsOf(join(ROOT, part, entry), byPath);
      const bare = [...names].filter(([, nodes]) =>
        nodes.every((x) => ts.getJSDocCommentsAndTags(x).length === 0),
      );
      t.same(
        bare.map(([name, [node]]) => `${name} (${inRoot(node!.getSourceFile().fileName)})`),
        [],
        `${part}/${entry}: ${names.size} exports`,
      );
    }
  }
});

t.test("the lockfile names no addresses", async (t) => {
  const lockfile = readFileSync(join(ROOT, "pnpm-lock.yaml"), "utf8");
  t.notMatch(lockfile, /https?:\/\/|tarball:/);
});
