// Training in the tab gives the weights that echo-asr train gives on the same takes, bit for bit; it can be paused; what
// it saves is what the command line reads.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { decodeWav, encodeWav, resample } from "@echo-ts/audio";
import { readSafetensors } from "@echo-ts/tensor";
import t from "tap";
import { skipWithoutChromium } from "../browser/chromium.ts";
import { run } from "../echo-model/command-line.ts";
import { openSite, until } from "./open-site.ts";

t.setTimeout(700_000);

const STEPS = 70;

/** The files of a tar archive of plain files. */
function untar(bytes: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (let at = 0; bytes[at] !== 0; ) {
    const name = bytes.toString("utf8", at, bytes.indexOf(0, at));
    const size = Number.parseInt(bytes.toString("utf8", at + 124, at + 135), 8);
    files.set(name, bytes.subarray(at + 512, at + 512 + size));
    at += 512 + 512 * Math.ceil(size / 512);
  }
  return files;
}

/** The words below the mel figure: from where to where, by how much below the picture, and whether they stand aslant. */
const LABELS = `[...document.querySelectorAll("#takes-seen svg text")]
  .filter((text) => /^[a-z]+$/.test(text.textContent))
  .map((text) => {
    const { left, right, bottom } = text.getBoundingClientRect();
    const below = bottom - text.ownerSVGElement.getBoundingClientRect().bottom;
    return { left, right, below, aslant: /rotate/.test(text.getAttribute("transform")) };
  })`;

t.test("ten words are trained in the tab", { skip: skipWithoutChromium, timeout: 680_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "echo-ten-words-"));
  const microphone = join(folder, "microphone.wav");
  const digit = readFileSync(join(import.meta.dirname, "../../../data/asterisk-alnum/wav/digits-3.wav"));
  const quiet = new Float32Array(16000);
  const spoken = [...quiet, ...decodeWav(digit).channels[0]!, ...quiet, ...quiet];
  writeFileSync(
    microphone,
    encodeWav(resample(Float32Array.from(spoken), 16000, 48000), { sampleRate: 48000 }),
  );
  const site = await openSite([
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    `--use-file-for-fake-audio-capture=${microphone}`,
  ]);
  t.teardown(async () => {
    await site.close();
    rmSync(folder, { recursive: true });
  });
  const { tab, problems } = await site.open(`train/?steps=${STEPS}`);
  const state = () => tab.textContent("#state");
  await until(tab, "!document.querySelector('#train').disabled");
  await tab.click("#train");
  await until(tab, "/^Step /.test(document.querySelector('#state').textContent)");
  await tab.click("#pause");
  await tab.waitForTimeout(1500);
  const held = await state();
  await tab.waitForTimeout(2000);
  t.equal(await state(), held, "nothing moves while it is paused");
  t.same(await site.audit(tab), [], "axe-core finds nothing");
  await tab.click("#pause");
  await until(tab, "/^Trained/.test(document.querySelector('#state').textContent)");
  t.match(await state(), /Of its own 40 takes it hears \d+ right/);
  t.match(await state(), /voice that it never heard it hears \d+ right/);
  t.equal(await tab.locator("#takes-seen svg").count(), 1, "what it hears is drawn");
  const shown = tab.viewportSize()!;
  for (const [width, aslant] of [
    [390, 10],
    [1280, 0],
  ] as const) {
    await tab.setViewportSize({ width, height: 844 });
    await until(tab, `(${LABELS}).filter(({ aslant }) => aslant).length === ${aslant}`);
    const labels = (await tab.evaluate(LABELS)) as { left: number; right: number; below: number }[];
    t.equal(labels.length, 10);
    t.same(
      labels.filter(({ below }) => below > 0),
      [],
      `every word is inside the picture at ${width} px`,
    );
    if (aslant > 0) continue;
    t.same(
      labels.filter(({ left }, i) => i > 0 && left < labels[i - 1]!.right),
      [],
      "words stand apart",
    );
  }
  await tab.setViewportSize(shown);
  await tab.click("#curve summary");
  await until(tab, "document.querySelector('#curve tbody tr') !== null");
  t.equal(await tab.locator("#curve tbody tr").count(), STEPS, "the curve has every step");

  await tab.click("#listen");
  await until(tab, "document.querySelector('#heard').textContent.trim() !== ''");
  await tab.click("#listen");
  t.match(await tab.textContent("#heard"), /^(\w+( \(\d+ %\))? )+$/, "words with how sure it is");
  t.comment(`heard for "three": ${await tab.textContent("#heard")}`);

  const save = async (id: string): Promise<Buffer> => {
    const [given] = await Promise.all([tab.waitForEvent("download"), tab.click(id)]);
    return readFileSync((await given.path())!);
  };
  const saved = await save("#save-checkpoint");
  const checkpoint = join(folder, "ten-words.safetensors");
  writeFileSync(checkpoint, saved);
  const data = join(folder, "data");
  for (const [name, content] of untar(await save("#save-takes"))) {
    mkdirSync(dirname(join(data, name)), { recursive: true });
    writeFileSync(join(data, name), content);
  }
  t.same(problems, []);
  const out = join(folder, "run");
  const trained = run("train", "--data", data, "--config", join(data, "ten-words.json"), "--out", out);
  t.equal(trained.status, 0, trained.err);
  const ours = readSafetensors(saved).tensors;
  const theirs = readSafetensors(readFileSync(join(out, "last.safetensors"))).tensors;
  let compared = 0;
  for (const [name, { data: values }] of ours) {
    const other = theirs.get(name);
    const bytes = (x: ArrayBufferView) => Buffer.from(x.buffer, x.byteOffset, x.byteLength);
    t.ok(other !== undefined && bytes(values).equals(bytes(other.data)), `${name} has the same bits`);
    compared += values.length;
  }
  t.ok(compared > 100_000, `${compared} weights`);
  const heard = run("transcribe", join(data, "wav/take-000.wav"), "--checkpoint", checkpoint);
  t.equal(heard.status, 0, `echo-asr reads it ${heard.err}`);
  t.match(heard.out, /\bone\b/, "and hears what was said");
  await tab.locator("#cards button").first().click();
  await until(tab, "/1 own take/.test(document.querySelector('#cards li').textContent)");
  t.pass("an own take replaces the bundled ones");
});
