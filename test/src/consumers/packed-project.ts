// A fresh project of a stranger: package.json, our tarballs as npm packs them, and what npm installs from them.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { PACKAGES } from "./readme-blocks.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");

/** The fields of package.json that consumers meet. */
export interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly keywords?: readonly string[];
  readonly license?: string;
  readonly repository?: { readonly url?: string; readonly directory?: string };
  readonly homepage?: string;
  readonly engines?: { readonly node?: string };
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
}

/** Reads the package.json of a folder. */
export const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;

/** Packs one of our packages into `folder`. @returns the path of the tarball */
export function pack(name: (typeof PACKAGES)[number], folder: string): string {
  const packed = execFileSync("npm", ["pack", "--pack-destination", folder, "--silent"], {
    cwd: join(ROOT, "packages", name),
    encoding: "utf8",
  });
  return join(folder, packed.trim());
}

/**
 * Unpacks a tarball of ours into a project and links what it depends on from this workspace, so nothing is fetched.
 *
 * @returns the package's folder
 */
export function installOffline(name: (typeof PACKAGES)[number], project: string): string {
  const modules = join(project, "node_modules");
  const target = join(modules, "@echo-ts", name);
  mkdirSync(target, { recursive: true });
  execFileSync("tar", ["-xzf", pack(name, project), "-C", target, "--strip-components=1"]);
  for (const dependency of Object.keys(readManifest(target).dependencies ?? {})) {
    if (!dependency.startsWith("@echo-ts/")) link(dependency, join(ROOT, "packages", name), modules);
  }
  return target;
}

/** Links a package that `folder` has installed into other node_modules, unless one is there. */
export function link(dependency: string, folder: string, modules: string): void {
  const path = join(modules, dependency);
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(realpathSync(join(folder, "node_modules", dependency)), path);
}

/** Every entry that the installed packages name, such as "@echo-ts/tensor/files". */
export function entriesOf(modules: string): readonly string[] {
  return PACKAGES.flatMap((name) =>
    Object.keys(readManifest(join(modules, "@echo-ts", name)).exports).map(
      (path) => `@echo-ts/${name}${path.slice(1)}`,
    ),
  );
}

/** Writes a file that imports every entry with its types. @returns its name */
export function writeEntriesFile(project: string): string {
  const entries = entriesOf(join(project, "node_modules"));
  const lines = entries.map(
    (entry, i) => `import * as entry${i} from "${entry}";\nconsole.log(Object.keys(entry${i}).length > 0);\n`,
  );
  writeFileSync(join(project, "entries.ts"), lines.join(""));
  return "entries.ts";
}

/** What an installation holds that a plain one must not: native modules, and packages with install scripts. */
export function nativeParts(project: string): readonly string[] {
  const { packages } = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8")) as {
    packages: Record<string, { readonly hasInstallScript?: boolean }>;
  };
  const scripts = Object.keys(packages).filter((path) => packages[path]!.hasInstallScript === true);
  const modules = join(project, "node_modules");
  const files = existsSync(modules) ? readdirSync(modules, { recursive: true, encoding: "utf8" }) : [];
  return [...scripts, ...files.filter((file) => file.endsWith(".node"))];
}
