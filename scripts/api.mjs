// Builds the API reference with TypeDoc: every entry of the four packages, from their own comments.
//   npm run api              writes site/dist/api/reference, beside what npm run site has built
//   npm run api -- --check   only looks: exit code 1 for an export without a comment, a broken link, any warning
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { Application, Comment, CommentTag, Converter, ReflectionKind } from "typedoc";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const packages = ["tensor", "autograd", "audio", "echo-model"];

/** Entries of a package, such as @echo-ts/audio/worklet, with their sources: dist/x.d.ts is made of src/x.ts. */
function entriesOf(folder) {
  const { name, exports } = JSON.parse(readFileSync(join(root, "packages", folder, "package.json"), "utf8"));
  return Object.entries(exports)
    .map(([entry, target]) => [name + entry.slice(1), typeof target === "string" ? target : target.types])
    .filter(([, types]) => types?.endsWith(".d.ts"))
    .map(([entry, types]) => {
      const source = types.replace("./dist/", "src/").replace(".d.ts", ".ts");
      return { entry, path: join(root, "packages", folder, source) };
    })
    .filter(({ path }) => existsSync(path));
}

/** Headings of an entry: the comment line above each block of exports, by the file that is exported from. */
function headingsOf(path) {
  const headings = new Map();
  let heading = null;
  for (const line of readFileSync(path, "utf8").split("\n").slice(1)) {
    if (/^\/\/ (?!biome)/.test(line)) heading = line.slice(3).replace(/[.:]$/, "");
    const from = /from "\.\/(.*)\.ts";$/.exec(line);
    if (from !== null && heading !== null) headings.set(from[1], heading);
  }
  return headings;
}

/** The group of an export: the heading of its file in the entry, else the folder or the file that it is in. */
function groupOf(file, headings) {
  const path = file.replace(/^packages\/[^/]*\/src\//, "").replace(/\.ts$/, "");
  return headings.get(path) ?? (path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : path);
}

function addGroups(project) {
  const entries = new Map(packages.flatMap(entriesOf).map((one) => [relative(root, one.path), one]));
  for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
    const { entry, path } = entries.get(module.sources?.[0]?.fileName) ?? {};
    if (path === undefined) continue;
    module.name = entry;
    const headings = headingsOf(path);
    for (const child of module.children ?? []) {
      const file = child.sources?.[0]?.fileName;
      if (file === undefined) continue;
      const comments = child.signatures?.map((signature) => signature.comment) ?? [child.comment];
      for (const comment of comments)
        comment?.blockTags.push(new CommentTag("@group", [{ kind: "text", text: groupOf(file, headings) }]));
    }
  }
}

/** Methods of tensors are derived from the functions of the same name, and so is what there is to say of them. */
function documentMethods(project) {
  for (const owner of ["Tensor", "Parameter"])
    for (const tensor of project.getReflectionsByKind(
      ReflectionKind.ClassOrInterface | ReflectionKind.TypeAlias,
    ))
      if (tensor.name === owner)
        for (const property of tensor.children ?? [])
          if (!property.hasComment() && property.kindOf(ReflectionKind.Property))
            property.comment = new Comment([
              { kind: "text", text: "The function " },
              { kind: "code", text: `\`${property.name}\`` },
              { kind: "text", text: " with this tensor as its first argument." },
            ]);
}

/** The site's page on the API, which says that the reference is not there, now leads to it. */
function linkFromSite() {
  const page = join(root, "site", "dist", "api", "index.html");
  if (!existsSync(page)) return;
  const link = '<p id="reference"><a href="reference/index.html">Open the reference</a></p>';
  writeFileSync(page, readFileSync(page, "utf8").replace(/<p id="reference">.*?<\/p>/s, link));
}

const app = await Application.bootstrapWithPlugins({
  name: "Echo in TypeScript",
  entryPoints: packages.flatMap(entriesOf).map(({ path }) => path),
  tsconfig: join(root, "scripts", "api.tsconfig.json"),
  out: join(root, "site", "dist", "api", "reference"),
  readme: "none",
  excludeInternal: true,
  excludePrivate: true,
  disableGit: true,
  basePath: root,
  sourceLinkTemplate: "https://github.com/echo-ts/echo-ts/blob/main/{path}#L{line}",
  groupReferencesByType: true,
  navigation: { includeGroups: true },
  validation: { notExported: false, invalidLink: true, notDocumented: true },
});
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  documentMethods(project);
  addGroups(project);
});
const project = await app.convert();
if (project === undefined) process.exit(1);
app.validate(project);
if (!process.argv.includes("--check")) {
  await app.generateOutputs(project);
  linkFromSite();
}
process.exitCode = app.logger.hasErrors() || app.logger.hasWarnings() ? 1 : 0;
