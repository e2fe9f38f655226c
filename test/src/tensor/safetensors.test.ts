// Half floats and the safetensors reader and writer: files of the format's own library and exact round trips.
// What is refused: safetensors-malformed.test.ts.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import t from "tap";
import type { ArrayRecord } from "../../../packages/tensor/dist/formats/array-record.js";
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from "../../../packages/tensor/dist/formats/half.js";
import {
  readSafetensors,
  readSafetensorsHeader,
  writeSafetensors,
} from "../../../packages/tensor/dist/formats/safetensors.js";
import { sharedPath, skipWithoutShared } from "../shared-material.ts";
import { entry, file, float32 } from "./safetensors-file.ts";

const hex = (bits: Uint16Array) => [...bits].map((x) => x.toString(16));

t.test("float16 agrees with NumPy", async (t) => {
  const fixture = JSON.parse(
    readFileSync(join(import.meta.dirname, "../../fixtures/numpy/half.json"), "utf8"),
  );
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const numbers = all.filter((bits) => !((bits & 0x7c00) === 0x7c00 && bits & 0x3ff));
  const decoded = float16ToFloat32(numbers);
  t.equal(createHash("sha256").update(new Uint8Array(decoded.buffer)).digest("hex"), fixture.decodedSha256);
  t.same(float32ToFloat16(decoded), numbers, "every number survives decoding and encoding");
  const values = new Float32Array(new Uint32Array(fixture.float32Bits).buffer);
  t.same([...float32ToFloat16(values)], fixture.float16Bits, "rounding to nearest, ties to even");
  const nans = all.filter((bits) => (bits & 0x7c00) === 0x7c00 && bits & 0x200);
  t.same(float32ToFloat16(float16ToFloat32(nans)), nans, "quiet NaN payloads are kept");
  t.same(hex(float32ToFloat16(new Float32Array(new Uint32Array([0x7f800001]).buffer))), ["7e00"]);
});

t.test("bfloat16 is the upper half of a float32, rounded to even", async (t) => {
  const values = [
    1,
    1 + 2 ** -8,
    1 + 3 * 2 ** -8,
    Math.PI,
    -0,
    3.4028234663852886e38,
    Number.NEGATIVE_INFINITY,
  ];
  // Worked out by hand from the bit patterns; the two ties go to the even neighbour.
  const bits = ["3f80", "3f80", "3f82", "4049", "8000", "7f80", "ff80"];
  t.same(hex(float32ToBfloat16(new Float32Array(values))), bits);
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const quiet = all.filter((x) => !((x & 0x7f80) === 0x7f80 && x & 0x7f && !(x & 0x40)));
  t.same(float32ToBfloat16(bfloat16ToFloat32(quiet)), quiet);
  t.equal(bfloat16ToFloat32(new Uint16Array([0x4049]))[0], 3.140625);
  t.ok(Number.isNaN(bfloat16ToFloat32(float32ToBfloat16(new Float32Array([Number.NaN])))[0]));
});

t.test(
  "files of the format's own library are read and written back byte for byte",
  { skip: skipWithoutShared },
  async (t) => {
    const golden = sharedPath("golden");
    const names = readdirSync(golden, { recursive: true, encoding: "utf8" }).filter((x) =>
      x.endsWith(".safetensors"),
    );
    t.ok(names.length > 20);
    for (const name of names) {
      const bytes = readFileSync(join(golden, name));
      const { tensors, metadata } = readSafetensors(bytes, { source: name });
      const written = writeSafetensors(tensors, { metadata });
      t.ok(Buffer.compare(written, bytes) === 0, `${name}: ${tensors.size} tensors`);
    }
  },
);

const roundTrip = (record: ArrayRecord) =>
  readSafetensors(writeSafetensors({ x: record }), { int64: "bigint", half: "raw" }).tensors.get("x");

t.test("every dtype survives bit for bit, NaN payloads and signed zeros included", async (t) => {
  const floats = new Float32Array(
    new Uint32Array([0, 0x80000000, 0x7fc12345, 0xff800000, 1, 0x3f800000]).buffer,
  );
  const records: ArrayRecord[] = [
    { dtype: "float32", shape: [2, 3], data: floats },
    { dtype: "float64", shape: [2], data: new Float64Array([Math.PI, -0]) },
    { dtype: "int32", shape: [2, 1], data: new Int32Array([-(2 ** 31), 2 ** 31 - 1]) },
    { dtype: "uint32", shape: [1], data: new Uint32Array([2 ** 32 - 1]) },
    { dtype: "int16", shape: [2], data: new Int16Array([-32768, 32767]) },
    { dtype: "uint16", shape: [1], data: new Uint16Array([65535]) },
    { dtype: "int8", shape: [2], data: new Int8Array([-128, 127]) },
    { dtype: "uint8", shape: [2], data: new Uint8Array([0, 255]) },
    { dtype: "bool", shape: [3], data: new Uint8Array([1, 0, 1]) },
    { dtype: "int64", shape: [2], data: new BigInt64Array([-(2n ** 63n), 2n ** 63n - 1n]) },
    { dtype: "uint64", shape: [1], data: new BigUint64Array([2n ** 64n - 1n]) },
    { dtype: "float16", shape: [2], data: new Uint16Array([0x7c01, 0x3c00]) },
    { dtype: "bfloat16", shape: [2], data: new Uint16Array([0x7f81, 0x3f80]) },
    { dtype: "float32", shape: [], data: new Float32Array([2.5]) },
    { dtype: "float32", shape: [0, 3], data: new Float32Array(0) },
  ];
  const bytesOf = ({ data }: ArrayRecord) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  for (const record of records) {
    const back = roundTrip(record)!;
    t.same({ dtype: back.dtype, shape: back.shape }, { dtype: record.dtype, shape: record.shape });
    t.equal(back.data.constructor, record.data.constructor);
    t.same(bytesOf(back), bytesOf(record), record.dtype);
  }
  const all = new Map(records.map((record, i) => [`name ${i}`, record]));
  const together = readSafetensors(writeSafetensors(all), { int64: "bigint", half: "raw" }).tensors;
  for (const [name, record] of all) t.same(bytesOf(together.get(name)!), bytesOf(record), name);
});

t.test("any names, shapes and metadata survive", async (t) => {
  const text = fc.string({ unit: "grapheme" }).filter((x) => x !== "__metadata__");
  const record = fc.array(fc.nat(4), { maxLength: 4 }).chain((shape) =>
    fc
      .array(fc.double(), {
        minLength: shape.reduce((a, b) => a * b, 1),
        maxLength: shape.reduce((a, b) => a * b, 1),
      })
      .map((values): ArrayRecord => ({ dtype: "float64", shape, data: Float64Array.from(values) })),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(text, record)), fc.array(fc.tuple(text, text)), (entries, pairs) => {
      const tensors = new Map(entries);
      const metadata = new Map(pairs);
      const back = readSafetensors(writeSafetensors(tensors, { metadata }));
      return (
        back.tensors.size === tensors.size &&
        back.metadata.size === metadata.size &&
        [...metadata].every(([key, value]) => back.metadata.get(key) === value) &&
        [...tensors].every(([name, { shape, data }]) => {
          const found = back.tensors.get(name)!;
          return String(found.shape) === String(shape) && found.data.every((x, i) => Object.is(x, data[i]));
        })
      );
    }),
  );
  t.pass();
});

t.test("the bytes written are those of the format's description", async (t) => {
  const bytes = writeSafetensors(
    {
      b: { dtype: "bool", shape: [1], data: new Uint8Array([1]) },
      z: { dtype: "float32", shape: [1], data: new Float32Array([1]) },
      a: { dtype: "float32", shape: [1], data: new Float32Array([2]) },
      "\u{1f600}": { dtype: "int32", shape: [], data: new Int32Array([3]) },
      "\uffff": { dtype: "int32", shape: [], data: new Int32Array([4]) },
    },
    { metadata: { format: "pt" } },
  );
  const header =
    '{"__metadata__":{"format":"pt"},' +
    `"a":${entry("F32", [1], 0, 4)},"z":${entry("F32", [1], 4, 8)},` +
    `"\uffff":${entry("I32", [], 8, 12)},"\u{1f600}":${entry("I32", [], 12, 16)},` +
    `"b":${entry("BOOL", [1], 16, 17)}}`;
  const padded = new TextEncoder().encode(header);
  const spaces = " ".repeat((8 - (padded.length % 8)) % 8);
  t.same(bytes, file(header + spaces, [...float32(2, 1), 4, 0, 0, 0, 3, 0, 0, 0, 1]));
  t.same(writeSafetensors({}), file("{}      "));
});

t.test("16-bit floats widen to float32, and float32 data rounds to them", async (t) => {
  const data = new Float32Array([1, 0.1, -65504]);
  const bytes = writeSafetensors({
    h: { dtype: "float16", shape: [3], data },
    b: { dtype: "bfloat16", shape: [3], data: new Float32Array([1, 0.1, 3]) },
  });
  const { tensors } = readSafetensors(bytes);
  t.same(tensors.get("h"), {
    dtype: "float32",
    shape: [3],
    data: new Float32Array([1, 0.0999755859375, -65504]),
  });
  t.same(tensors.get("b"), { dtype: "float32", shape: [3], data: new Float32Array([1, 0.10009765625, 3]) });
  t.equal(readSafetensorsHeader(bytes).entries.get("h")?.dtype, "F16");
});

t.test("64-bit integers become int32 when they fit", async (t) => {
  const small = writeSafetensors({
    n: { dtype: "int64", shape: [2], data: new BigInt64Array([-(2n ** 31n), 7n]) },
  });
  t.same(readSafetensors(small).tensors.get("n"), {
    dtype: "int32",
    shape: [2],
    data: new Int32Array([-(2 ** 31), 7]),
  });
  const large = writeSafetensors({
    n: { dtype: "int64", shape: [2], data: new BigInt64Array([0n, 2n ** 31n]) },
  });
  t.throws(() => readSafetensors(large, { source: "m.safetensors" }), {
    message:
      'readSafetensors: m.safetensors: tensor "n": element 1 is 2147483648, outside int32; read it with { int64: "bigint" }',
    source: "m.safetensors",
    key: "n",
  });
});

t.test("data at any address is read, into memory of its own", async (t) => {
  for (const padding of ["", " ", "  ", "   "]) {
    const bytes = file(
      `{"x":${entry("F64", [1], 0, 8)}}${padding}`,
      new Uint8Array(new Float64Array([Math.E]).buffer),
    );
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const { data } = readSafetensors(shifted.subarray(3)).tensors.get("x")!;
    t.equal(data[0], Math.E);
    shifted.fill(0);
    t.equal(data[0], Math.E);
  }
});

t.test("names that are special in JavaScript are ordinary names", async (t) => {
  const names = ["__proto__", "constructor", "toString", "0"];
  const members = names.map((name, i) => `"${name}":${entry("U8", [1], i, i + 1)}`);
  const { tensors } = readSafetensors(
    file(`{${members.join()},"__metadata__":{"__proto__":"x"}}`, [1, 2, 3, 4]),
  );
  t.same([...tensors.keys()], names);
  t.same(
    [...tensors.values()].map(({ data }) => data[0]),
    [1, 2, 3, 4],
  );
  t.equal(Object.getPrototypeOf({}), Object.prototype);
  t.equal(Object.hasOwn(Object.prototype, "x"), false);
});

t.test("what the format's own library passes over is passed over", async (t) => {
  // serde reads `__metadata__` as an Option, and ignores fields of a tensor that it does not know.
  const { tensors, metadata } = readSafetensors(
    file(
      '{"__metadata__":null,"x":{"dtype":"U8","note":{"a":[1,-2.5e3,true,null,"]}"],"b":{}},"shape":[1],"data_offsets":[0,1]}}',
      [7],
    ),
  );
  t.equal(metadata.size, 0);
  t.equal(tensors.get("x")?.data[0], 7);
});

t.test("valid but unusual headers are read", async (t) => {
  const spaced = ` { \n "x"\t:\r${entry("U8", [1], 0, 1).replaceAll(",", " , ")} , "y" : ${entry("U8", [0], 0, 0)} } `;
  t.equal(readSafetensors(file(spaced.slice(1), [9])).tensors.get("x")?.data[0], 9);
  t.equal(
    readSafetensors(file(`{"\\u0078\\"\\\\":${entry("U8", [1], 0, 1)}}`, [9])).tensors.get('x"\\')?.data[0],
    9,
  );
  t.same([...readSafetensors(file("{}")).tensors], []);
  const reversed = file(`{"b":${entry("U8", [1], 1, 2)},"a":${entry("U8", [1], 0, 1)}}`, [1, 2]);
  t.same(
    [...readSafetensors(reversed).tensors].map(([name, { data }]) => [name, data[0]]),
    [
      ["b", 2],
      ["a", 1],
    ],
  );
});
