// The tools that strangers use with our packages, each in a pinned version and fetched from npm into a folder of its
// own outside the repository: none of them is a dependency of anything here. Read next: consumers.ts.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";

/** What npm installs for each tool. */
const PACKAGES = {
  "Node 20": ["node@20.20.2"],
  "Node 24": ["node@24.21.0"],
  "Node 26": ["node@26.10.0"],
  Deno: ["deno@2.9.6"],
  Bun: ["bun@1.4.5"],
  Vite: ["vite@8.3.8"],
  webpack: ["webpack@5.113.0"],
  Rollup: ["rollup@4.68.8", "@rollup/plugin-commonjs@29.0.3", "@rollup/plugin-node-resolve@16.0.3"],
  esbuild: ["esbuild@0.28.2"],
  "TypeScript 5.7": ["typescript@5.7.3"],
  "TypeScript 5.9": ["typescript@5.9.3"],
  "TypeScript 7.0": ["typescript@7.0.2"],
} as const;

/** A tool by its name and version. */
export type ToolName = keyof typeof PACKAGES;

/** The package with its version, for messages. */
export const describeTool = (name: ToolName): string => PACKAGES[name][0];

/**
 * Runs npm in a folder, which gets node_modules of its own.
 * @returns null, or why nothing was installed
 */
export function npmInstall(folder: string, packages: readonly string[]): string | null {
  const options = ["--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1", "--prefer-offline"];
  const { status, stderr, error } = spawnSync("npm", ["install", ...options, ...packages], {
    cwd: folder,
    encoding: "utf8",
    timeout: 240_000,
  });
  return status === 0 ? null : (error?.message ?? stderr).trim().split("\n").slice(0, 3).join(" ");
}

/**
 * Fetches a tool into a folder under `parent`.
 * @returns the folder, or why it could not be had, as a message for a skipped test
 */
export function fetchTool(name: ToolName, parent: string): { folder: string } | { skip: string } {
  const folder = join(parent, name.replaceAll(/\W/g, "-").toLowerCase());
  if (existsSync(folder)) return { folder };
  mkdirSync(folder);
  const problem = npmInstall(folder, ["--prefix", folder, ...PACKAGES[name]]);
  return problem === null ? { folder } : { skip: `${describeTool(name)} could not be fetched: ${problem}` };
}
