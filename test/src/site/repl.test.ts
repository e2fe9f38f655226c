// The REPL: each of its thirty examples runs and its facts hold, the editor's completions come from our types, and the
// page works in Chromium.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { skipWithoutChromium } from "../browser/chromium.ts";
import { loadSite } from "./load-site.ts";
import { openSite } from "./open-site.ts";

t.setTimeout(300_000);

interface Example {
  readonly name: string;
  readonly title: string;
  readonly code: string;
}

interface Described {
  readonly label: string;
  readonly type: string;
  readonly comment: string;
  readonly from?: string;
}

const build = "../../../site/build";
const { readExamples } = (await import(`${build}/repl.mjs`)) as { readExamples(): Example[] };
const { completions } = (await import(`${build}/completions.mjs`)) as {
  completions(): { readonly names: Described[]; readonly members: Described[] };
};
const site = await loadSite();

t.test("thirty examples run, and what they check holds", async (t) => {
  const examples = readExamples();
  t.equal(examples.length, 30);
  t.equal(new Set(examples.map(({ name }) => name)).size, 30, "names differ");
  for (const { name, title, code } of examples) {
    t.match(code, /^\/\/ \S.*\nimport /, `${name} begins with its title`);
    t.ok(title.length > 10);
    t.match(code, /\bcheck\(/, `${name} checks a fact`);
    const printed = await site.printed(code);
    t.not(printed, "", `${name} prints`);
    t.notMatch(printed, /undefined|NaN/, name);
  }
});

t.test("code that goes wrong says so", async (t) => {
  await t.rejects(site.printed("check(1 > 2, 'one is less')"), { message: "Not yet: one is less" });
  await t.rejects(site.printed('import { x } from "fs";'), {
    message: /^import: expected one of @echo-ts\/tensor, .*, got "fs"$/,
  });
  await t.rejects(site.printed('import { zeroes } from "@echo-ts/tensor";'), {
    message: 'import: "@echo-ts/tensor" has no export "zeroes"',
  });
  await t.rejects(site.printed("const = 1"), SyntaxError);
  await t.rejects(site.printed("drawTape(3)"), { message: "drawTape: expected the text of toDot(loss)" });
  await t.rejects(site.printed('plot(["a"])'), {
    message: "plot: expected a list of numbers or a tensor of rank 1",
  });
  t.equal(
    await site.printed(
      'import { ones as one } from "@echo-ts/tensor";\nconsole.log(one([2]), [1, 0.1 + 0.2], { a: "b" });',
    ),
    'tensor([1., 1.]) [1, 0.3] { a: "b" }',
  );
});

t.test("completions: every exported value with its type and a sentence", async (t) => {
  const { names, members } = completions();
  const tensor = (await import("@echo-ts/tensor")) as Readonly<Record<string, unknown>>;
  const listed = names.filter(({ from }) => from === "@echo-ts/tensor").map(({ label }) => label);
  t.same(listed.sort(), Object.keys(tensor).sort(), "exactly what the package exports");
  const softmax = names.find(({ label }) => label === "softmax");
  t.match(softmax?.type, /^\(x: Tensor, axis\?: number/);
  t.match(softmax?.comment, /\w+ .*\.$/);
  const methods = members.map(({ label }) => label);
  for (const name of ["shape", "matmul", "backward", "toArray", "reshape"])
    t.ok(methods.includes(name), `tensors have ${name}`);
});

t.test("the page", { skip: skipWithoutChromium, timeout: 280_000 }, async (t) => {
  const open = await openSite();
  t.teardown(() => open.close());
  for (const view of [
    { colorScheme: "light", viewport: { width: 1280, height: 900 } },
    { colorScheme: "dark", viewport: { width: 390, height: 844 } },
  ] as const) {
    const { tab, problems } = await open.open("repl/#drawn-tape", view);
    await tab.locator("[data-editor=ready] .cm-content").waitFor();
    t.equal(await tab.locator("#example").inputValue(), "drawn-tape", "the address names the example");
    await tab.click("#run");
    await tab.locator("#printed .passed").waitFor({ timeout: 60_000 });
    t.match(await tab.locator("#printed pre").first().textContent(), /tanh/);
    t.equal(await tab.locator("#printed svg").count(), 1, "the tape is drawn");
    t.same(await open.audit(tab), [], `${view.colorScheme}: axe-core finds nothing`);
    const wide = await tab.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    t.ok(wide <= 0, `${view.viewport.width} px: the page does not scroll sideways (${wide})`);
    await tab.locator(".cm-content").click();
    await tab.keyboard.press("Control+a");
    await tab.keyboard.type("lay");
    await tab.locator(".cm-tooltip-autocomplete").getByText("layerNorm", { exact: true }).waitFor();
    await tab.locator(".cm-tooltip-autocomplete").getByText("layerNorm", { exact: true }).click();
    t.equal(
      (await tab.locator(".cm-line").allTextContents()).join("\n"),
      'import { layerNorm } from "@echo-ts/tensor";\nlayerNorm',
      "a completed name brings its import",
    );
    t.same(problems, [], "no message, no request to elsewhere");
    await tab.context().close();
  }
  const assets = join(open.folder, "assets");
  t.ok(
    readdirSync(assets).some((name) => name.startsWith("editor-")),
    "the editor is a file of its own",
  );
  t.ok(statSync(join(open.folder, "repl/completions.json")).size > 10_000);
});
