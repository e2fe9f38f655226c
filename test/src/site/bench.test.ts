// The benchmark page: every engine that the browser has gives times, and one that it lacks is said in words. Chromium's
// WebGPU and WebGL are software here, which the page says as well.
import t from "tap";
import { skipWithoutChromium } from "../browser/chromium.ts";
import { openSite, until } from "./open-site.ts";

t.setTimeout(300_000);

const DONE = "/^Done/.test(document.querySelector('#state').textContent)";

t.test("every engine is measured", { skip: skipWithoutChromium, timeout: 280_000 }, async (t) => {
  const site = await openSite();
  t.teardown(() => site.close());
  const { tab, problems } = await site.open("bench/?engines=wasm,wasm-fma,webgpu,webgl2", {}, "isolated");
  t.equal(
    await tab.locator("#figures figure").isVisible(),
    false,
    "no figure before there is something to see",
  );
  await tab.click("#start");
  await until(tab, DONE);
  const notes = await tab.locator("#engines li").allTextContents();
  t.match(notes[0], /^wasm, all threads: mode simd, \d+ threads?$/);
  t.match(notes[1], /^wasm, fused multiply-add: mode fma/);
  t.match(notes[2], /^WebGPU: .*swiftshader.*a CPU pretends/i);
  t.match(notes[3], /^WebGL 2: .*SwiftShader.*a CPU pretends/);
  const heads = await tab.locator("#times thead th").allTextContents();
  t.same(heads, ["Milliseconds", "wasm, all threads", "wasm, fused multiply-add", "WebGPU", "WebGL 2"]);
  const [row] = await tab.locator("#times tbody tr").all();
  t.equal(await row!.locator("th").textContent(), "product of two 64 × 64 matrices");
  const times = (await row!.locator("td").allTextContents()).map(Number);
  t.equal(times.length, 4);
  for (const time of times) t.ok(time > 0 && time < 10_000, `${time} ms`);
  t.equal((await tab.locator("#figures svg").count()) > 0, true, "the roofline is drawn");
  t.same(await site.audit(tab), [], "axe-core finds nothing on the full page");
  t.same(problems, [], "no message: the graphics code runs under the page's policy");
  await tab.context().close();
});

t.test("a browser without graphics says so", { skip: skipWithoutChromium, timeout: 280_000 }, async (t) => {
  const site = await openSite([
    "--disable-gpu",
    "--disable-software-rasterizer",
    "--use-webgpu-adapter=default",
    "--use-angle=default",
  ]);
  t.teardown(() => site.close());
  const { tab } = await site.open("bench/?engines=webgpu,webgl2");
  await tab.click("#start");
  await until(tab, DONE);
  for (const note of await tab.locator("#engines li").allTextContents())
    t.match(
      note,
      /^Web(GPU|GL 2): not here\. Switch on hardware acceleration.*\(web(gpu|gl2): not available\)/,
    );
  t.equal(await tab.locator("#times td").count(), 0);
  await tab.context().close();
});
