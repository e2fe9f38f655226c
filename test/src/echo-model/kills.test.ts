// A run that is killed ends in the same bits as one that was not. First without a process: at everything a run tells,
// its folder is copied as a kill would leave it, and the copy goes on. Then with SIGKILL at random moments, a few; with
// ECHO_KILLS=200, so many.
import { spawn } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { stream } from "@echo-ts/tensor";
import t from "tap";
import { command, folder, run, trainArgs } from "./command-line.js";
import { sha, train } from "./tiny-run.js";

const EARLY = ["optimizer.learningRate=1e-12", "training.evaluateEvery=1", "training.patience=2"];
const KINDS: Readonly<Record<string, readonly string[]>> = {
  plain: [],
  early: [...EARLY, "training.checkpointEvery=1"],
  "early, between checkpoints": [...EARLY, "training.checkpointEvery=2"],
};

/** Hashes of what must not depend on kills. */
function bitsOf(name: string): Record<string, string> {
  const names = readdirSync(join(folder, name)).filter((file) =>
    /safetensors$|^config\.json$|^\./.test(file),
  );
  return Object.fromEntries(names.map((file) => [file, sha(join(folder, name, file))]));
}

/** Steps and evaluations in the order of the log. */
function loggedIn(name: string): unknown[] {
  const lines = readFileSync(join(folder, name, "log.jsonl"), "utf8")
    .trim()
    .split("\n");
  return lines
    .map((line) => JSON.parse(line))
    .filter(({ kind }) => kind !== "start")
    .map(({ kind, step, loss, ctc }) => [kind, step, loss, ctc]);
}

/** What a run of this kind leaves when nobody kills it. */
async function whole(kind: string): Promise<{ bits: Record<string, string>; logged: unknown[] }> {
  const name = `whole ${kind}`;
  if (!existsSync(join(folder, name))) await train(name, { overrides: KINDS[kind]! });
  return { bits: bitsOf(name), logged: loggedIn(name) };
}

t.test("a run that ends at anything it tells goes on to the same bits", async (t) => {
  for (const [kind, overrides] of Object.entries(KINDS)) {
    const { bits, logged } = await whole(kind);
    const copies: string[] = [];
    await train(`told ${kind}`, {
      overrides,
      onEvent: (event) => {
        // Between two checkpoints one step is like another.
        const skipped = event.kind === "step" && ![1, 2, 7, 12].includes(event.report.step);
        if (event.kind === "preparation" || skipped) return;
        const name = `${kind} ${copies.length} ${event.kind}`;
        cpSync(join(folder, `told ${kind}`), join(folder, name), { recursive: true });
        // This process lives; the one that would have been killed does not.
        rmSync(join(folder, name, "run.lock"));
        copies.push(name);
      },
    });
    t.ok(copies.length >= 8, `${copies.length} moments`);
    for (const name of copies) {
      await train(name, { overrides, resume: true });
      t.same(bitsOf(name), bits, name);
      t.same(loggedIn(name), logged, `${name}: the log`);
    }
  }
});

/** Runs the command and kills it `delay` ms after a line of output that `when` picks; false when it ended before. */
function killed(args: readonly string[], when: (line: string) => boolean, delay: number): Promise<boolean> {
  const child = spawn(...command(...args), { stdio: ["ignore", "pipe", "inherit"] });
  let timer: NodeJS.Timeout | null = null;
  let pending = "";
  child.stdout.on("data", (chunk: Buffer) => {
    const lines = (pending + chunk.toString()).split("\n");
    pending = lines.pop()!;
    if (timer === null && lines.some(when)) timer = setTimeout(() => child.kill("SIGKILL"), delay);
  });
  return new Promise((resolve, reject) => {
    child.on("exit", (status, signal) => {
      if (timer !== null) clearTimeout(timer);
      if (signal === "SIGKILL") resolve(true);
      else if (status === 0) resolve(false);
      else reject(new Error(`the command ended with ${status} ${signal}`));
    });
  });
}

const wanted = Number(process.env.ECHO_KILLS ?? 3);

t.test(`${wanted} kills at random moments change no bit`, { timeout: 3_600_000 }, async (t) => {
  const random = stream("kills", String(wanted));
  const counts: Record<string, number> = { plain: 0, early: 0, "end of run": 0 };
  let kills = 0;
  let runs = 0;
  while (kills < wanted) {
    for (const kind of ["plain", "early", "end of run"]) {
      const settings = KINDS[kind] ?? [];
      const { bits, logged } = await whole(kind === "early" ? "early" : "plain");
      const name = `killed ${runs++}`;
      const args = trainArgs(name, "--resume", ...settings.flatMap((one) => ["--set", one]));
      // The last step of a run, what is computed after it, and what is written then; or anything from the start on.
      const last = kind === "early" ? 3 : 12;
      const moment = (): [(line: string) => boolean, number] => {
        if (kind === "end of run")
          return [(line) => line.includes(`"step","report":{"step":${last},`), random.uniform(0, 250)];
        const step = random.integer(0, last);
        const any = (line: string): boolean => line.includes(`"step","report":{"step":${step},`);
        return [(line) => (step === 0 ? line.includes('"kind":"start"') : any(line)), random.uniform(0, 80)];
      };
      for (let attempt = 0; attempt < (wanted > 3 ? 4 : 1); attempt++) {
        if (!(await killed(args, ...moment()))) break;
        kills++;
        counts[kind]!++;
      }
      const { status, err } = run(...args);
      t.equal(status, 0, err);
      t.same(bitsOf(name), bits, `${kind}, ${kills} kills so far`);
      t.same(loggedIn(name), logged, `${kind}: the log`);
      rmSync(join(folder, name), { recursive: true });
    }
  }
  t.comment(`${kills} kills in ${runs} runs: ${JSON.stringify(counts)}`);
});
