// The examples of this package run, learn, and say the same in every run.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import t from "tap";

t.setTimeout(300_000); // three processes, one of which trains for some seconds

/** What an example prints. */
function run(name: string, ...args: string[]): string {
  const path = fileURLToPath(new URL(`../../../examples/dist/${name}.js`, import.meta.url));
  return execFileSync(process.execPath, [path, ...args], {
    encoding: "utf8",
    env: { PATH: process.env.PATH },
  });
}

const losses = (text: string): number[] =>
  [...text.matchAll(/loss +([\d.]+)/g)].map(([, loss]) => Number(loss));

t.test("two moons are told apart, the same way twice", async (t) => {
  const text = run("two-moons");
  const [, train, test] = text.match(/correct: ([\d.]+) % .* ([\d.]+) % of the new ones/) ?? [];
  // Noise of 0.15 lets a few points of one moon fall into the other.
  t.ok(Number(train) > 96 && Number(test) > 94, `${train} % and ${test} %`);
  t.equal(
    text.split("\n").filter((line) => /^[ .:=ox]{72}$/.test(line)).length,
    26,
    "the picture has 26 rows",
  );
  t.equal(run("two-moons"), text);
});

t.test("the character model learns from its first steps on", async (t) => {
  const text = run("character-model", "50");
  const [first, last] = losses(text);
  t.ok(Math.abs(first! - Math.log(50)) < 0.5, `${first} is about the loss of a blind guess`);
  // 3.20 nats is the entropy of the text's single letters: to go below, letters before must be looked at.
  t.ok(last! < 2.9, `${last} after 50 steps`);
  t.match(text, /after 50 steps.*\n +\| 'Twas /);
});
