// echo-asr experiment on a queue in a real Redis: 24 runs, three workers of which two are killed, the server killed and
// started again, and in the end every run once, with the bits of the local pool. Skipped where Debian's redis-server or the
// packages bullmq and ioredis are missing.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { stream } from "@echo-ts/tensor";
import t from "tap";
import { command, configFile, data, folder } from "./command-line.js";
import { sha } from "./tiny-run.js";

t.setTimeout(1_500_000); // some fifty trainings, also on a busy machine

const ROOT = join(import.meta.dirname, "..", "..", "..");
const INTERNAL = new URL("../../../packages/echo-model/dist/experiment/", import.meta.url);
const PASSWORD = "swordfish-1871";
const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;
const hasPackages = ["bullmq", "ioredis"].every((name) =>
  existsSync(join(ROOT, "packages", "echo-model", "node_modules", name)),
);
const skip: string | false = !hasRedis
  ? "no redis-server; install Debian's package of that name"
  : !hasPackages && "bullmq and ioredis are not installed";

const GRID = {
  name: "tiny",
  config: configFile,
  settings: { "training.maxSteps": 6, "training.checkpointEvery": 2 },
  seeds: Array.from({ length: 12 }, (_, seed) => seed),
  variants: [{ name: "f0" }, { name: "static", settings: { "model.rotary.pitch": "static" } }],
};
const grid = join(folder, "grid.json");
writeFileSync(grid, JSON.stringify(GRID));

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** A process of echo-asr whose process group can be killed: it and the runs that it started. */
class Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  out = "";
  err = "";

  constructor(environment: Record<string, string>, ...args: string[]) {
    const env = { ...process.env, ...environment };
    this.process = spawn(...command(...args), { env, detached: true });
    this.process.stdout!.on("data", (chunk) => {
      this.out += chunk;
    });
    this.process.stderr!.on("data", (chunk) => {
      this.err += chunk;
    });
    this.ended = new Promise((resolve) => {
      this.process.on("close", (status) => resolve({ status, out: this.out, err: this.err }));
    });
  }

  kill(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.process.pid!, signal);
    } catch {
      // it has ended
    }
  }

  /** Waits until it has written a text so many times. */
  async wrote(text: string, times = 1): Promise<void> {
    while (this.out.split(text).length <= times && this.process.exitCode === null) await wait(50);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function startRedis(port: number): ChildProcess {
  const place = join(folder, "redis");
  mkdirSync(place, { recursive: true });
  const settings = ["--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync", "always", "--save", ""];
  return spawn("redis-server", ["--port", `${port}`, "--dir", place, "--requirepass", PASSWORD, ...settings]);
}

t.test("24 runs, two killed workers, a killed server", { skip }, async (t) => {
  const random = stream(21, "kills");
  const port = await freePort();
  const address = `redis://127.0.0.1:${port}`;
  const secret = { ECHO_QUEUE_PASSWORD: PASSWORD };
  let redis = startRedis(port);
  const all: Running[] = [];
  t.teardown(() => {
    for (const one of all) one.kill("SIGKILL");
    redis.kill("SIGKILL");
  });
  const start = (...args: string[]): Running => {
    const started = new Running(secret, ...args);
    all.push(started);
    return started;
  };
  // Data are found by content: the third worker has them elsewhere, and shares no folder with the others.
  const elsewhere = join(folder, "elsewhere");
  cpSync(data, elsewhere, { recursive: true });
  const worker = (where: string, out: string, jobs: string): Running => {
    const places = ["--data", where, "--out", join(folder, out), "--jobs", jobs];
    return start("worker", "--queue", address, "--threads", "1", "--lease", "5", ...places);
  };
  const workers = [worker(data, "shared", "1"), worker(data, "shared", "1"), worker(elsewhere, "own", "2")];
  const asked = ["experiment", grid, "--data", data, "--out", join(folder, "queued")];
  const asking = start(...asked, "--queue", address, "--quiet");

  for (const victim of [workers[0]!, workers[1]!]) {
    await victim.wrote(": started", 1 + Math.floor(2 * random.next()));
    await wait(1000 * random.next());
    victim.kill("SIGKILL");
  }
  await workers[2]!.wrote(": finished", 3 + Math.floor(3 * random.next()));
  redis.kill("SIGKILL");
  await wait(1500);
  redis = startRedis(port);
  // Somebody else who sees the folder of those that were killed.
  workers.push(worker(data, "shared", "1"));

  const ended = await asking.ended;
  t.equal(ended.status, 0, `${ended.err}${workers.map(({ out, err }) => out + err).join("\n")}`);
  const local = new Running(
    {},
    "experiment",
    grid,
    "--data",
    data,
    "--out",
    join(folder, "local"),
    "--quiet",
  );
  t.equal((await local.ended).status, 0, local.err);
  const results = (out: string): string => readFileSync(join(folder, out, "results.json"), "utf8");
  t.equal(results("queued"), results("local"), "the table, to the byte");
  t.equal(JSON.parse(results("queued")).folders.length, 24);

  const shown = await start(...asked, "--queue", address, "--status", "--json").ended;
  const { queue, runs } = JSON.parse(shown.out) as {
    queue: string;
    runs: { run: string; state: string; result: { checkpoint: string; worker: string } }[];
  };
  t.equal(new Set(runs.map(({ run }) => run)).size, 24);
  const folders = readdirSync(join(folder, "local", "runs"));
  const bits = folders.map((name) => sha(join(folder, "local", "runs", name, "last.safetensors")));
  t.strictSame(
    runs.map(({ result }) => result.checkpoint).sort(),
    bits.sort(),
    "every checkpoint, to the bit",
  );
  const started = workers.flatMap(({ out }) => out.match(/: started$/gm) ?? []).length;
  t.ok(started >= 26, `${started} starts: the runs of the killed were taken up`);
  t.equal(new Set(runs.map(({ result }) => result.worker)).size >= 2, true);
  const text = await start(...asked, "--queue", address, "--status").ended;
  t.match(text.out, /^f0, seed 0: completed by .+, checkpoint [0-9a-f]{12}$/m);
  t.match(
    text.out,
    /^24 runs: 24 completed, 0 active, 0 failed; [12] workers on redis:\/\/127\.0\.0\.1:\d+\/?, queue runs-/m,
  );

  // Other data are another queue, whatever their path.
  const changed = join(folder, "changed");
  cpSync(data, changed, { recursive: true });
  appendFileSync(join(changed, "more.txt"), "1");
  const other = worker(changed, "own", "1");
  await other.wrote("serving");
  t.match(other.out, /queue runs-[0-9a-f]{16}$/m);
  t.notMatch(other.out, queue);
  t.match(workers[0]!.out, queue);

  // One run on an empty database, whose worker is killed after step 3: the one worker that is left goes on
  // from there if it sees the folder, and starts again if not; the bits are the local pool's either way.
  const one = join(folder, "one.json");
  writeFileSync(one, JSON.stringify({ ...GRID, seeds: [0], variants: [GRID.variants[0]] }));
  const expected = sha(join(folder, "local", "runs", "f0-seed-0", "last.safetensors"));
  for (const [database, next, how] of [
    [1, "kept", "from the checkpoint"],
    [2, "lost", "from the beginning"],
  ] as const) {
    const server = `${address}/${database}`;
    const serve = (out: string): Running => {
      const places = ["--data", data, "--out", join(folder, out), "--threads", "1", "--lease", "2"];
      return start("worker", "--queue", server, ...places);
    };
    const first = `kept${database}`;
    const killed = serve(first);
    const request = [
      "experiment",
      one,
      "--data",
      data,
      "--out",
      join(folder, `one-${database}`),
      "--queue",
      server,
    ];
    const waiting = start(...request, "--quiet");
    const place = join(folder, first);
    // Step 3 is in the log: the checkpoint of step 2 is written.
    const begun = (): boolean =>
      existsSync(place) &&
      readdirSync(place, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith("log.jsonl"))
        .some((name) => readFileSync(join(place, name), "utf8").includes('"step":3,'));
    while (!begun() && killed.process.exitCode === null) await wait(2);
    killed.kill("SIGKILL");
    const successor = serve(next === "kept" ? first : "lost");
    t.equal((await waiting.ended).status, 0, successor.out + successor.err);
    const resumed = successor.out.match(/^f0, seed 0: resumed from the checkpoint of step [246]$/m);
    t.equal(resumed !== null, next === "kept", `${how}: ${successor.out}`);
    const state = await start(...request, "--status", "--json").ended;
    const [run] = (JSON.parse(state.out) as { runs: { result: { checkpoint: string } }[] }).runs;
    t.equal(run!.result.checkpoint, expected, `${how}: the local pool's bits`);
    successor.kill("SIGTERM");
  }

  for (const one of [...workers, other]) one.kill("SIGTERM");
  t.equal((await other.ended).status, 0, "a worker that is told to stop ends well");
  const again = [...asked.slice(0, -1), join(folder, "again"), "--queue", address, "--quiet"];
  t.equal((await start(...again).ended).status, 0, "asking again needs no worker: each run is done once");
  t.equal(results("again"), results("local"));

  const written = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(json|jsonl|csv|txt|log)$/.test(entry.name))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
  t.notOk(
    written.some((content) => content.includes(PASSWORD)),
    "no file holds the password",
  );
  t.notOk(
    all.some(({ out, err }) => (out + err).includes(PASSWORD)),
    "nobody said it",
  );

  const denied = await new Running({}, ...asked, "--queue", address, "--status").ended;
  t.match(denied, { status: 1, err: /queue: redis:\/\/127.0.0.1:\d+\/?: .*(NOAUTH|Authentication)/ });
});

t.test("what is refused", { skip }, async (t) => {
  const asked = ["experiment", grid, "--data", data, "--out", join(folder, "refused")];
  const ask = (...args: string[]): Promise<Ended> => new Running({}, ...asked, ...args).ended;
  const port = await freePort();
  const secret = await ask("--queue", `redis://me:${PASSWORD}@127.0.0.1:${port}`);
  t.match(secret, {
    status: 1,
    err: /queue: the address holds a user, a password or options; give those in ECHO_QUEUE_/,
  });
  t.notMatch(secret.err, PASSWORD);
  t.match(await ask("--queue", "somewhere"), {
    err: /queue: expected an address such as redis:\/\/HOST:6379/,
  });
  t.match(await ask("--queue", `redis://127.0.0.1:${port}`), {
    status: 1,
    err: /queue: redis:.*ECONNREFUSED/,
  });
  t.match(await ask("--status"), { status: 2, err: /--status: expected --queue with it/ });
  t.match(await ask("--queue", "redis://a", "--jobs", "2"), {
    status: 2,
    err: /--jobs: with --queue it is an option of/,
  });
});

t.test("locks of machines that have lost a run", async (t) => {
  const { dropForeignLock } = (await import(new URL("queue-worker.js", INTERNAL).href)) as {
    dropForeignLock(folder: string): Promise<void>;
  };
  const place = join(folder, "locked");
  mkdirSync(place);
  const lock = join(place, "run.lock");
  await dropForeignLock(place);
  for (const [host, stays] of [
    [hostname(), true],
    ["another-machine", false],
  ] as const) {
    writeFileSync(lock, JSON.stringify({ host, pid: 1, begun: null, since: "", token: "x" }));
    await dropForeignLock(place);
    t.equal(existsSync(lock), stays, host);
  }
});
