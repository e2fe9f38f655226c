// Every `@example expression // value` in the comments of tensor and autograd is run and compared. Examples of
// another form (several lines, no value, a value in words) are for reading and pass by.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as autograd from "@echo-ts/autograd";
import * as tensor from "@echo-ts/tensor";
import * as tensorInternal from "@echo-ts/tensor/internal";
import * as tensorNdarray from "@echo-ts/tensor/ndarray";
import ndarray from "ndarray";
import t from "tap";
import * as shapes from "../../packages/tensor/dist/shape.js";

const packages = join(import.meta.dirname, "..", "..", "packages");
const scope: Record<string, unknown> = {
  ...tensor,
  ...tensorInternal,
  ...tensorNdarray,
  ...autograd,
  ...shapes,
  ndarray,
};
const AsyncFunction = (async () => {}).constructor as new (
  ...source: string[]
) => (...values: unknown[]) => Promise<unknown>;

/** Runs statements and gives the value of the last one. */
async function evaluate(code: string): Promise<unknown> {
  const statements = code.split("; ");
  const last = statements.pop();
  const body = [...statements, `return ${last}`].join("; ");
  return new AsyncFunction(...Object.keys(scope), body)(...Object.values(scope));
}

for (const name of ["tensor", "autograd"]) {
  t.test(name, async (t) => {
    const source = join(packages, name, "src");
    let ran = 0;
    for (const file of readdirSync(source, { recursive: true, encoding: "utf8" }).sort()) {
      if (!file.endsWith(".ts") || file.includes("backends")) continue;
      const text = readFileSync(join(source, file), "utf8");
      for (const [, code, value] of text.matchAll(
        /@example (.+) \/\/ (-?[\d.]+|true|false|\[.*\]|".*")$/gm,
      )) {
        t.same(await evaluate(code!), await evaluate(value!), `${file}: ${code}`);
        ran++;
      }
    }
    t.ok(ran > 10, `${ran} examples`);
  });
}
