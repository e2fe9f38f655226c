// Every page of the site in Chromium: no message on the console, nothing asked from elsewhere, the rules of axe-core in
// light and dark, at the width of a desk and of a telephone; without a network after the first visit.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { skipWithoutChromium } from "../browser/chromium.ts";
import { loadSite } from "./load-site.ts";
import { openSite, until } from "./open-site.ts";

t.setTimeout(600_000);

const VIEWS = [
  { colorScheme: "light", viewport: { width: 1280, height: 900 } },
  { colorScheme: "dark", viewport: { width: 390, height: 844 }, reducedMotion: "reduce" },
] as const;

t.test("the pages of the site", { skip: skipWithoutChromium, timeout: 580_000 }, async (t) => {
  const { CHAPTERS, readChapter } = await loadSite();
  const site = await openSite();
  t.teardown(() => site.close());
  await t.test("the folder can stand at any address and names no other", async (t) => {
    const names = readdirSync(site.folder, { recursive: true, encoding: "utf8" });
    const texts = names.filter((name) => /\.(html|css)$/.test(name));
    t.ok(texts.length > site.pages.length + CHAPTERS.length, `${texts.length} pages and styles`);
    for (const name of texts) {
      const text = readFileSync(join(site.folder, name), "utf8");
      // Relative addresses only: neither another host nor the root of this one.
      const addresses = [...text.matchAll(/(?:\s(?:src|href|action)="|url\(["']?)([^"')]*)/g)].map(
        ([, to]) => to!,
      );
      t.same(
        addresses.filter((to) => /^(?:\/|\w+:)/.test(to) && !to.startsWith("data:")),
        [],
        name,
      );
    }
  });
  for (const { path, name } of site.pages) {
    await t.test(`${name} (${path})`, async (t) => {
      for (const view of VIEWS) {
        const { tab, problems } = await site.open(path, view);
        await tab.waitForLoadState("networkidle");
        t.same(await site.audit(tab), [], `${view.colorScheme}: axe-core finds nothing`);
        const seen = await tab.evaluate(() => ({
          wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
          headings: document.querySelectorAll("h1").length,
          current: document.querySelector("nav [aria-current]")?.textContent,
          animations: document.getAnimations().length,
        }));
        t.ok(seen.wide <= 0, `${view.viewport.width} px: the page does not scroll sideways (${seen.wide})`);
        if ("reducedMotion" in view) t.equal(seen.animations, 0, "nothing moves where that is not wished");
        t.equal(seen.headings, 1, "one main heading");
        t.equal(seen.current, name, "the navigation says where one is");
        await tab.keyboard.press("Tab");
        t.equal(
          await tab.evaluate(() => document.activeElement?.textContent),
          "Skip to the content",
          "the keyboard starts with the way past the navigation",
        );
        await tab.keyboard.press("Enter");
        t.equal(await tab.evaluate(() => location.hash), "#main");
        t.same(problems, [], `${view.colorScheme}: no message, no request to elsewhere`);
        await tab.context().close();
      }
    });
  }
  await t.test("the choice of colours is kept", async (t) => {
    const { tab } = await site.open("", { colorScheme: "light" });
    const ground = () => tab.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await ground();
    await tab.click("#scheme");
    t.equal(await ground(), light, "light was on already");
    await tab.click("#scheme");
    const dark = await ground();
    t.not(dark, light);
    await tab.goto(site.address("course/"));
    t.equal(await ground(), dark, "on the next page too");
    await tab.context().close();
  });
  await t.test("after the first visit: threads, and no network needed", async (t) => {
    const { tab, problems } = await site.open("");
    await tab.evaluate(async () => {
      await navigator.serviceWorker.ready;
    });
    t.equal(await tab.evaluate(() => crossOriginIsolated), false, "the host sends no headers");
    await tab.reload();
    t.equal(await tab.evaluate(() => crossOriginIsolated), true, "the service worker adds them");
    // Model and recording are kept once they are there: a page that is left earlier has not asked for all of them.
    await until(tab, "performance.getEntriesByName('echo-first-transcript').length > 0");
    await site.disconnect();
    for (const { path, name } of site.pages) {
      await tab.goto(site.address(path));
      t.equal(await tab.textContent("nav [aria-current]"), name, `${name} without a network`);
    }
    for (const slug of CHAPTERS) {
      await tab.goto(site.address(`course/${slug}/`));
      const title = await tab.textContent("h1");
      t.equal(title, readChapter(slug).title, `chapter ${slug} without a network`);
    }
    const code = tab.locator(".cell:not(.exercise)", { hasText: "same bits" });
    await code.getByRole("button", { name: "Run" }).click();
    await code.getByRole("button", { name: "Run" }).waitFor({ timeout: 60_000 });
    t.match(
      await code.locator(".printed pre").textContent(),
      /rows in 8 parts, same bits: true\n/,
      "a cell too",
    );
    t.same(problems, []);
    await tab.context().close();
  });
});
