// Takes the built site, serves it below a sub-folder with or without the
// headers of cross-origin isolation, and opens its pages in Chromium while it notes what goes wrong.
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page as Tab } from "playwright-core";
import { launchChromium } from "../browser/chromium.ts";
import { builtSite, type SitePage } from "./built-site.ts";

/** A rule of axe-core that a page breaks. */
interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** A tab on a page of the site, with what went wrong in it so far. */
export interface OpenPage {
  readonly tab: Tab;
  /** Messages of errors and warnings on the console, errors nobody caught, requests to other places. */
  readonly problems: string[];
}

/** The built site, served. */
export interface OpenSite {
  readonly folder: string;
  readonly browser: Browser;
  readonly pages: readonly SitePage[];
  /** Address of a page; "isolated" has the headers that allow threads. */
  address(path: string, kind?: "plain" | "isolated"): string;
  /** `script` runs in the page before its own; the page's security policy is off then. */
  open(
    path: string,
    options?: BrowserContextOptions,
    kind?: "plain" | "isolated",
    script?: string,
  ): Promise<OpenPage>;
  /** The rules of axe-core that the page breaks, as "RULE: WHAT: ELEMENT". */
  audit(tab: Tab): Promise<string[]>;
  /** Ends the server alone, as when the network is gone. */
  disconnect(): Promise<void>;
  close(): Promise<void>;
}

/** Waits until an expression holds in a page; the page's policy forbids Playwright's own way. At most a minute. */
export async function until(tab: Tab, expression: string): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await tab.evaluate(`Boolean(${expression})`))) {
    if (Date.now() > end) throw new Error(`the page did not come to: ${expression}`);
    await tab.waitForTimeout(100);
  }
}

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript",
  css: "text/css",
  json: "application/json",
  wav: "audio/wav",
  svg: "image/svg+xml",
};

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Serves the built site and starts the browser with `flags`. */
export async function openSite(flags: readonly string[] = []): Promise<OpenSite> {
  const { folder, pages, release } = await builtSite();
  const server = createServer(({ url = "" }, response) => {
    const [, kind, ...rest] = new URL(url, "http://127.0.0.1").pathname.split("/");
    const name = rest.slice(1).join("/");
    const path = join(folder, name === "" || name.endsWith("/") ? `${name}index.html` : name);
    if (kind === "isolated") {
      response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
      response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    }
    if (rest[0] !== "echo" || !existsSync(path)) return void response.writeHead(404).end();
    response.setHeader("Content-Type", TYPES[path.split(".").at(-1) ?? ""] ?? "application/octet-stream");
    response.end(readFileSync(path));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const browser = await launchChromium(flags);
  const address = (path: string, kind: "plain" | "isolated" = "plain") => `${origin}/${kind}/echo/${path}`;
  const disconnect = async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return {
    folder,
    browser,
    pages,
    address,
    async open(path, options = {}, kind = "plain", script?) {
      const context = await browser.newContext({ ...options, bypassCSP: script !== undefined });
      if (script !== undefined) await context.addInitScript(script);
      const tab = await context.newPage();
      const problems: string[] = [];
      tab.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) problems.push(message.text());
      });
      tab.on("pageerror", (error) => problems.push(error.message));
      tab.on("request", (request) => {
        if (!new RegExp(`^(${origin}|data:|blob:)`).test(request.url())) problems.push(request.url());
      });
      await tab.goto(address(path, kind));
      return { tab, problems };
    },
    async audit(tab) {
      await tab.evaluate(AXE);
      const found = (await tab.evaluate("axe.run().then(({ violations }) => violations)")) as Violation[];
      return found.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`));
    },
    disconnect,
    async close() {
      await browser.close();
      await disconnect();
      release();
    },
  };
}
