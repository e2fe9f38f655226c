// The site as `npm run site` builds it: once for all test files of a run of scripts/test.mjs, which names a folder for that,
// else for the asking file alone.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/** A page of the site, as site/build/pages.mjs lists it. */
export interface SitePage {
  /** Folder below the root, with a slash at its end. */
  readonly path: string;
  readonly name: string;
}

/** Where the site lies. Who got it calls `release` at the end. */
export interface BuiltSite {
  readonly folder: string;
  readonly pages: readonly SitePage[];
  release(): void;
}

const BUILD = "../../../site/build";
const LONGEST_BUILD = 240_000; // milliseconds

async function build(folder: string): Promise<void> {
  const { buildSite } = (await import(`${BUILD}/build-site.mjs`)) as {
    buildSite(outDir: string): Promise<void>;
  };
  await buildSite(folder);
}

/** The first file of a run builds; the others wait for it. A build that failed is tried again by the next file. */
async function buildOnce(shared: string): Promise<string> {
  const folder = join(shared, "site");
  const lock = join(shared, "site.lock");
  const end = Date.now() + LONGEST_BUILD;
  while (!existsSync(folder)) {
    if (Date.now() > end)
      throw new Error(`site: another test file has not built ${folder} in ${LONGEST_BUILD / 1000} s`);
    try {
      mkdirSync(lock);
    } catch {
      await wait(200);
      continue;
    }
    try {
      if (existsSync(folder)) break;
      const unfinished = mkdtempSync(join(shared, "unfinished-"));
      await build(unfinished);
      renameSync(unfinished, folder);
    } finally {
      rmdirSync(lock);
    }
  }
  return folder;
}

/** Builds the site, or waits until another test file of the same run has. */
export async function builtSite(): Promise<BuiltSite> {
  const { PAGES: pages } = (await import(`${BUILD}/pages.mjs`)) as { PAGES: readonly SitePage[] };
  const shared = process.env.ECHO_TEST_SHARED;
  if (shared !== undefined) return { folder: await buildOnce(shared), pages, release: () => {} };
  const folder = mkdtempSync(join(tmpdir(), "echo-site-"));
  await build(folder);
  return { folder, pages, release: () => rmSync(folder, { recursive: true }) };
}
