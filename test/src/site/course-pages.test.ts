// The pages of the course in Chromium: no message on the console, the rules of axe-core, cells and exercises run, the
// figure moves by keyboard.
import t from "tap";
import { skipWithoutChromium } from "../browser/chromium.ts";
import { loadSite } from "./load-site.ts";
import { openSite } from "./open-site.ts";

t.setTimeout(400_000);

const VIEWS = [
  { colorScheme: "light", viewport: { width: 1280, height: 900 } },
  { colorScheme: "dark", viewport: { width: 390, height: 844 }, reducedMotion: "reduce" },
] as const;

t.test("chapters", { skip: skipWithoutChromium, timeout: 380_000 }, async (t) => {
  const { CHAPTERS, readChapter } = await loadSite();
  const site = await openSite();
  t.teardown(() => site.close());
  for (const slug of CHAPTERS) {
    await t.test(slug, async (t) => {
      for (const view of VIEWS) {
        const { tab, problems } = await site.open(`course/${slug}/`, view);
        await tab.waitForLoadState("networkidle");
        t.same(await site.audit(tab), [], `${view.colorScheme}: axe-core finds nothing`);
        const wide = await tab.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        t.ok(wide <= 0, `${view.viewport.width} px: the page does not scroll sideways (${wide})`);
        t.equal(await tab.locator("h1").count(), 1);
        t.equal(await tab.textContent("nav [aria-current]"), "Course");
        if ("reducedMotion" in view)
          t.equal(await tab.evaluate(() => document.getAnimations().length), 0, "nothing moves");
        if (view === VIEWS[0]) {
          t.equal(await tab.evaluate(() => crossOriginIsolated), false, "the host sends no headers");
          const cell = readChapter(slug).blocks.find((block) => block.kind === "cell")!;
          const first = tab.locator(".cell:not(.exercise)").first();
          await first.locator("textarea").press("Control+Enter");
          await first.getByRole("button", { name: "Run" }).waitFor({ timeout: 60_000 });
          const shown = await first.locator(".printed pre").allTextContents();
          const words = (text: string) => (cell.measures ? text.replace(/\d+(\.\d+)?/g, "#") : text);
          t.equal(words(shown.join("\n")), words(cell.prints), "a cell prints the same here");
          const exercise = tab.locator(".exercise").first();
          await exercise.getByRole("button", { name: "Check" }).click();
          t.match(await exercise.locator(".printed .warn").textContent(), /Not yet: /);
          await exercise.locator("summary").click();
          await exercise
            .locator("textarea")
            .fill((await exercise.locator("details pre").textContent()) ?? "");
          await exercise.getByRole("button", { name: "Check" }).click();
          t.equal(await exercise.locator(".printed .passed").textContent(), "Right: all tests pass.");
          const before = await tab.locator(".picture").innerHTML();
          const slider = tab.locator(".course-figure input[type=range]").first();
          const atEnd = (await slider.inputValue()) === (await slider.getAttribute("max"));
          await slider.press(atEnd ? "ArrowLeft" : "ArrowRight");
          t.not(await tab.locator(".picture").innerHTML(), before, "an arrow key moves the figure");
        }
        t.same(problems, [], `${view.colorScheme}: no message, no request to elsewhere`);
        await tab.context().close();
      }
    });
  }
  await t.test("a run without end is stopped, and the next one works", async (t) => {
    const { tab } = await site.open(`course/${CHAPTERS[0]}/`);
    const cell = tab.locator(".cell").first();
    await cell.locator("textarea").fill('console.log("begins"); for (;;);');
    await cell.getByRole("button", { name: "Run" }).click();
    await cell.getByText("begins", { exact: true }).waitFor();
    await cell.getByRole("button", { name: "Stop" }).click();
    t.equal(await cell.locator(".printed .warn").textContent(), "Stopped.");
    await cell.locator("textarea").fill("console.log(1 + 1)");
    await cell.getByRole("button", { name: "Run" }).click();
    await cell.locator(".printed").getByText("2", { exact: true }).waitFor();
    await cell.locator("textarea").fill('import { zeroes } from "@echo-ts/tensor";');
    await cell.getByRole("button", { name: "Run" }).click();
    await cell.locator(".printed .warn").waitFor();
    t.equal(
      await cell.locator(".printed .warn").textContent(),
      'Error: import: "@echo-ts/tensor" has no export "zeroes"',
    );
    await cell
      .locator("textarea")
      .fill(
        'import { AdamW, Parameter } from "@echo-ts/autograd";\nimport { ones } from "@echo-ts/tensor";\nnew AdamW([new Parameter(ones([1]))]).step();',
      );
    await cell.getByRole("button", { name: "Run" }).click();
    await cell.locator(".printed .warn").waitFor();
    t.match(
      await cell.locator(".printed .warn").textContent(),
      /AdamW: no parameter has a gradient/,
      "classes keep their names in the built site",
    );
    await tab.context().close();
  });
  await t.test("the list of chapters", async (t) => {
    const { tab, problems } = await site.open("course/", VIEWS[1]);
    t.equal(await tab.locator(".chapters li").count(), CHAPTERS.length);
    await tab.locator(".chapters a").first().click();
    await tab.waitForURL(`**/course/${CHAPTERS[0]}/`);
    t.same(problems, []);
    await tab.context().close();
  });
});
