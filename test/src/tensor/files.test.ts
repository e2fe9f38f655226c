// Files on disk: loading and saving, and writes that keep the old file whatever goes wrong.
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import {
  FileError,
  loadNpy,
  loadNpz,
  loadSafetensors,
  readFileBytes,
  saveNpy,
  saveNpz,
  saveSafetensors,
  writeFileAtomic,
} from "@echo-ts/tensor/files";
import t from "tap";
import type { ArrayRecord } from "../../../packages/tensor/dist/formats/array-record.js";

const onWindows = process.platform === "win32" ? "needs a POSIX shell, modes or signals" : false;
const asRoot = process.getuid?.() === 0 ? "permissions do not bind the superuser" : onWindows;
const array: ArrayRecord = { dtype: "float32", shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) };
const bytesOf = (text: string) => new TextEncoder().encode(text);

t.test("the three formats are saved and loaded", async (t) => {
  const folder = t.testdir();
  await saveSafetensors(join(folder, "a.safetensors"), { x: array }, { metadata: { step: "7" } });
  const { tensors, metadata } = await loadSafetensors(join(folder, "a.safetensors"));
  t.same(tensors, new Map([["x", array]]));
  t.same(metadata, new Map([["step", "7"]]));
  await saveNpy(join(folder, "a.npy"), array, { fortranOrder: true });
  t.same(await loadNpy(join(folder, "a.npy")), array);
  await saveNpz(join(folder, "a.npz"), { x: array, y: array }, { compressed: true });
  t.same(
    await loadNpz(join(folder, "a.npz")),
    new Map([
      ["x", array],
      ["y", array],
    ]),
  );
  t.same(readdirSync(folder).sort(), ["a.npy", "a.npz", "a.safetensors"], "no temporary file is left");
});

t.test("refusals name the file", async (t) => {
  const folder = t.testdir({ "a.npy": "text", "a.npz": "text", "a.safetensors": "text", sub: {} });
  const path = (name: string) => join(folder, name);
  await t.rejects(loadNpy(path("a.npy")), { name: "FormatError", source: path("a.npy") });
  await t.rejects(loadNpz(path("a.npz")), { name: "FormatError", source: path("a.npz") });
  await t.rejects(loadSafetensors(path("a.safetensors")), {
    name: "FormatError",
    source: path("a.safetensors"),
  });
  await t.rejects(readFileBytes(path("none")), {
    name: "FileError",
    code: "ENOENT",
    message: `readFileBytes: ${path("none")}: ENOENT: no such file or directory`,
  });
  await t.rejects(readFileBytes(path("sub")), {
    message: `readFileBytes: ${path("sub")}: is not a regular file`,
  });
  await t.rejects(writeFileAtomic(path("sub"), bytesOf("x")), {
    message: `writeFileAtomic: ${path("sub")}: is not a regular file`,
  });
  await t.rejects(writeFileAtomic(path("none/x"), bytesOf("x")), {
    code: "ENOENT",
    message: `writeFileAtomic: ${path("none/x")}: ENOENT: no such file or directory; nothing was changed`,
  });
});

t.test("a record that is refused leaves the old file", async (t) => {
  const folder = t.testdir({ "a.safetensors": "old" });
  const path = join(folder, "a.safetensors");
  await t.rejects(saveSafetensors(path, { x: { ...array, shape: [5] } }), {
    name: "FormatError",
    source: path,
  });
  t.equal(readFileSync(path, "utf8"), "old");
});

t.test("an existing file keeps its mode, a link its place", { skip: onWindows }, async (t) => {
  const folder = t.testdir({ real: {} });
  const target = join(folder, "real", "file");
  writeFileSync(target, "old", { mode: 0o640 });
  symlinkSync(join("real", "file"), join(folder, "link"));
  await writeFileAtomic(join(folder, "link"), bytesOf("new"));
  t.equal(readlinkSync(join(folder, "link")), join("real", "file"));
  t.equal(readFileSync(target, "utf8"), "new");
  t.equal(statSync(target).mode & 0o777, 0o640);
  t.same(readdirSync(folder).sort(), ["link", "real"]);
});

t.test("several writers at once leave one whole file", async (t) => {
  const path = join(t.testdir(), "file");
  await Promise.all(
    ["a", "b", "c", "d"].map((letter) => writeFileAtomic(path, bytesOf(letter.repeat(100000)))),
  );
  t.match(readFileSync(path, "utf8"), /^(a{100000}|b{100000}|c{100000}|d{100000})$/);
});

t.test("a name that a temporary file of another writer holds is passed over", async (t) => {
  const folder = t.testdir();
  const path = join(folder, "file");
  for (let i = 0; i < 50; i++) writeFileSync(join(folder, `.file.${process.pid}.${i}.tmp`), "theirs");
  await writeFileAtomic(path, bytesOf("mine"));
  t.equal(readFileSync(path, "utf8"), "mine");
  t.equal(readdirSync(folder).length, 51, "theirs are left alone");
});

t.test("a missing permission keeps the old file", { skip: asRoot }, async (t) => {
  const folder = t.testdir();
  const path = join(folder, "file");
  writeFileSync(path, "old", { mode: 0o444 });
  await t.rejects(writeFileAtomic(path, bytesOf("new")), { code: "EACCES" }, "a read-only file");
  t.equal(readFileSync(path, "utf8"), "old");
  const locked = join(folder, "locked");
  mkdirSync(locked);
  writeFileSync(join(locked, "file"), "old");
  chmodSync(locked, 0o555);
  await t.rejects(
    writeFileAtomic(join(locked, "file"), bytesOf("new")),
    { code: "EACCES" },
    "a read-only folder",
  );
  chmodSync(locked, 0o755);
  t.equal(readFileSync(join(locked, "file"), "utf8"), "old");
});

const moduleUrl = import.meta.resolve("@echo-ts/tensor/files");

t.test("a disk without room for the new file keeps the old one", { skip: onWindows }, async (t) => {
  const folder = t.testdir({ file: "old" });
  const path = join(folder, "file");
  // A limit on the size of files stands in for a full disk: the write fails in its middle.
  const program = `import { writeFileAtomic } from ${JSON.stringify(moduleUrl)};
    await writeFileAtomic(process.argv[1], new Uint8Array(1e6)).catch((error) => console.log(error.message));`;
  // The test runner's preloaded modules write files of their own, which the limit would stop as well.
  const shell = 'unset NODE_OPTIONS; trap "" XFSZ; ulimit -f 16; exec "$0" --input-type=module -e "$1" "$2"';
  const { stdout } = spawnSync("sh", ["-c", shell, process.execPath, program, path], { encoding: "utf8" });
  t.equal(stdout, `writeFileAtomic: ${path}: EFBIG: file too large; nothing was changed\n`);
  t.equal(readFileSync(path, "utf8"), "old");
  t.same(readdirSync(folder), ["file"], "no temporary file is left");
});

t.test("a process killed at any moment leaves a whole file", { skip: onWindows }, async (t) => {
  const folder = t.testdir();
  const path = join(folder, "file");
  const program = `import { writeFileAtomic } from ${JSON.stringify(moduleUrl)};
    for (let i = 0; ; i = (i + 1) % 10) {
      await writeFileAtomic(process.argv[1], new Uint8Array(300000 + i).fill(48 + i));
      if (i === 0) console.log("first");
    }`;
  for (let kill = 0; kill < 10; kill++) {
    const args = ["--input-type=module", "-e", program, path];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    await sleep(3 + kill * 2.3);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("close", resolve));
    const bytes = readFileSync(path);
    const digit = bytes[0]! - 48;
    t.ok(
      bytes.length === 300000 + digit && bytes.every((byte) => byte === bytes[0]),
      `after ${kill + 1} kills: ${bytes.length} bytes of ${digit}`,
    );
  }
});

t.test("the error is typed and carries its cause", async (t) => {
  const path = pathToFileURL(t.testdir()).pathname;
  const error: unknown = await readFileBytes(join(path, "none")).catch((reason: unknown) => reason);
  t.ok(error instanceof FileError && error.cause instanceof Error && error.path === join(path, "none"));
  t.notOk(existsSync(join(path, "none")));
});
