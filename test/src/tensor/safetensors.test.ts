// Half floats and the safetensors reader and writer: files of the format's own library, exact round trips,
// a table of malformed files, and mutated ones.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import t from "tap";
import type { ArrayRecord } from "../../../packages/tensor/dist/formats/array-record.js";
import { FormatError } from "../../../packages/tensor/dist/formats/format-error.js";
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
import { stream } from "../../../packages/tensor/dist/random.js";
import { sharedPath, skipWithoutShared } from "../shared-material.ts";

/** A file from a header text (or its bytes) and data bytes; `length` overrides the stated header length. */
function file(header: string | Uint8Array, data: ArrayLike<number> = [], length?: bigint): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const out = new Uint8Array(8 + text.length + data.length);
  new DataView(out.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  out.set(text, 8);
  out.set(data, 8 + text.length);
  return out;
}

const entry = (dtype: string, shape: number[], begin: number, end: number) =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });
const float32 = (...values: number[]) => new Uint8Array(new Float32Array(values).buffer);
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

const ok = entry("U8", [1], 0, 1);
const integer = (text: string) => `{"x":{"dtype":"U8","shape":[${text}],"data_offsets":[0,1]}}`;
const malformed: [string, Uint8Array, string][] = [
  ["an empty file", new Uint8Array(0), "0 bytes, expected at least 8 for the header's length"],
  ["seven bytes", new Uint8Array(7), "7 bytes, expected at least 8 for the header's length"],
  [
    "a header above the limit",
    file("{}", [], 100_000_001n),
    "header of 100000001 bytes, expected at most 100000000; is this a safetensors file?",
  ],
  [
    "a header length of 2^64 - 1",
    file("{}", [], 2n ** 64n - 1n),
    "header of 18446744073709552000 bytes, expected at most 100000000; is this a safetensors file?",
  ],
  ["a header longer than the file", file("{}", [], 3n), "header of 3 bytes in a file of 10"],
  ["no header at all", file(""), 'header: starts with "", expected {'],
  ["a leading space", file(" {}"), 'header: starts with " ", expected {'],
  ["a byte order mark", file("\ufeff{}"), 'header: starts with "\ufeff", expected {'],
  ["an array", file("[]"), 'header: starts with "[", expected {'],
  [
    "bytes that are not UTF-8",
    file(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d])),
    "header: not valid UTF-8",
  ],
  ["an unfinished object", file("{"), "header: expected a string at character 1, got the end"],
  ["a trailing comma", file(`{"x":${ok},}`, [0]), 'header: expected a string at character 53, got "}"'],
  ["text behind the object", file("{}{}"), 'header: expected the end of the header at character 2, got "{"'],
  [
    "padding with zeros",
    file("{}\0\0"),
    'header: expected the end of the header at character 2, got "\\u0000"',
  ],
  ["an unfinished string", file('{"x'), "header: the string at character 1 has no end"],
  ["a bad escape", file(`{"\\x":${ok}}`, [0]), "header: the string at character 1 is not valid JSON"],
  ["a control character", file(`{"a\nb":${ok}}`, [0]), "header: the string at character 1 is not valid JSON"],
  [
    "a lone surrogate",
    file(`{"\\ud800":${ok}}`, [0]),
    "header: the string at character 1 has a lone surrogate",
  ],
  ["a repeated name", file(`{"x":${ok},"x":${ok}}`, [0]), 'header: the key "x" appears twice in "header"'],
  [
    "a repeated name in disguise",
    file(`{"x":${ok},"\\u0078":${ok}}`, [0]),
    'header: the key "x" appears twice in "header"',
  ],
  [
    "a repeated dtype",
    file('{"x":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}', [0]),
    'header: the key "dtype" appears twice in "x"',
  ],
  [
    "a repeated metadata key",
    file('{"__metadata__":{"a":"1","a":"2"}}'),
    'header: the key "a" appears twice in "__metadata__"',
  ],
  [
    "metadata that is not text",
    file('{"__metadata__":{"a":1}}'),
    'header: expected a string at character 21, got "1"',
  ],
  ["deep nesting", file(`{"x":${"[".repeat(60000)}`), 'header: expected { at character 5, got "["'],
  ["a tensor that is no object", file('{"x":1}'), 'header: expected { at character 5, got "1"'],
  ["no dtype", file('{"x":{"shape":[1],"data_offsets":[0,1]}}', [0]), 'tensor "x": dtype is missing'],
  ["no shape", file('{"x":{"dtype":"U8","data_offsets":[0,1]}}', [0]), 'tensor "x": shape is missing'],
  ["no offsets", file('{"x":{"dtype":"U8","shape":[1]}}', [0]), 'tensor "x": data_offsets is missing'],
  [
    "an unknown key",
    file('{"x":{"dtype":"U8","shape":[1],"stride":[1],"data_offsets":[0,1]}}', [0]),
    'tensor "x": unknown key "stride", expected dtype, shape and data_offsets',
  ],
  [
    "one offset",
    file('{"x":{"dtype":"U8","shape":[1],"data_offsets":[0]}}', [0]),
    'tensor "x": data_offsets has 1 numbers, expected 2',
  ],
  [
    "three offsets",
    file('{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}', [0]),
    "header: more than 2 numbers in the array at character 51",
  ],
  [
    "65 axes",
    file(integer(Array(65).fill(1).join()), [0]),
    "header: more than 64 numbers in the array at character 156",
  ],
  ...["4.0", "4e0", "-1", "-0", "+1", "01", "9007199254740993", "1e999", "NaN", "0x1", "1".repeat(60)].map(
    (text): [string, Uint8Array, string] => [
      `the number ${text}`,
      file(integer(text), [0]),
      `header: the number ${text.slice(0, 40)} at character 28 is not an integer in [0, 2^53)`,
    ],
  ),
  ["a number as text", file(integer('"1"'), [0]), 'header: expected a number at character 28, got "\\""'],
  [
    "null as a size",
    file(integer("null"), [0]),
    "header: the number null at character 28 is not an integer in [0, 2^53)",
  ],
  [
    "an unknown dtype",
    file(`{"x":${entry("F8_E4M3", [1], 0, 1)}}`, [0]),
    'tensor "x": dtype "F8_E4M3" is not supported, expected one of BOOL, U8, I8, I16, U16, F16, BF16, I32, U32, F32, F64, I64, U64',
  ],
  [
    "offsets that run backwards",
    file(`{"x":${entry("U8", [1], 1, 0)}}`, [0]),
    'tensor "x": data_offsets [1, 0] run backwards',
  ],
  [
    "a hole at the start",
    file(`{"x":${entry("U8", [1], 1, 2)}}`, [0, 0]),
    'tensor "x": data starts at 1, expected 0: a hole in the file',
  ],
  [
    "a hole between tensors",
    file(`{"x":${ok},"y":${entry("U8", [1], 2, 3)}}`, [0, 0, 0]),
    'tensor "y": data starts at 2, expected 1: a hole in the file',
  ],
  [
    "overlapping tensors",
    file(`{"x":${entry("U8", [2], 0, 2)},"y":${entry("U8", [2], 1, 3)}}`, [0, 0, 0]),
    'tensor "y": data starts at 1, expected 2: overlaps another tensor',
  ],
  [
    "the same bytes twice",
    file(`{"x":${ok},"y":${ok}}`, [0]),
    'tensor "y": data starts at 0, expected 1: overlaps another tensor',
  ],
  ["trailing bytes", file(`{"x":${ok}}`, [0, 0]), "1 bytes follow the last tensor, expected none"],
  ["missing bytes", file(`{"x":${ok}}`), 'tensor "x": data ends at 1, but the file has only 0 bytes of data'],
  [
    "a size that does not fit",
    file(`{"x":${entry("F32", [3], 0, 8)}}`, float32(1, 2)),
    'tensor "x": 8 bytes of data, expected 12 for F32 [3]',
  ],
  [
    "a claim of 8 terabytes",
    file(`{"x":${entry("F64", [1099511627776], 0, 8796093022208)}}`, [0]),
    'tensor "x": data ends at 8796093022208, but the file has only 1 bytes of data',
  ],
  [
    "sizes whose product overflows",
    file(`{"x":${entry("U8", [4294967296, 4294967296, 0], 0, 0)}}`),
    'tensor "x": 0 bytes of data, expected Infinity for U8 [4294967296, 4294967296, 0]',
  ],
  [
    "a bool of 2",
    file(`{"x":${entry("BOOL", [2], 0, 2)}}`, [1, 2]),
    'tensor "x": element 1 is 2, expected 0 or 1 for bool',
  ],
];

t.test("malformed files are refused with a reason", async (t) => {
  for (const [name, bytes, reason] of malformed) {
    t.throws(
      () => readSafetensors(bytes, { source: "f" }),
      { name: "FormatError", message: `readSafetensors: f: ${reason}`, source: "f" },
      name,
    );
  }
});

t.test("records that cannot be stored are refused with a reason", async (t) => {
  const data = new Float32Array([1, 2]);
  const good: ArrayRecord = { dtype: "float32", shape: [2], data };
  const cases: [Record<string, ArrayRecord>, string][] = [
    [{ x: { ...good, shape: [3] } }, 'tensor "x": 2 elements, expected 3 for shape [3]'],
    [{ x: { ...good, shape: [-2] } }, 'tensor "x": shape [-2] has the size -2, expected integers >= 0'],
    [{ x: { ...good, shape: [1.5] } }, 'tensor "x": shape [1.5] has the size 1.5, expected integers >= 0'],
    [{ x: { ...good, shape: Array(65).fill(1) } }, 'tensor "x": 65 axes, expected at most 64'],
    [
      { x: { ...good, shape: [2 ** 40, 2 ** 40] } },
      'tensor "x": 2 elements, expected fewer than 2^53 for shape [1099511627776, 1099511627776]',
    ],
    [
      { x: { ...good, dtype: "float64" } },
      'tensor "x": data is a Float32Array, expected Float64Array for dtype float64',
    ],
    [
      { x: { ...good, dtype: "complex64" as "float32" } },
      'tensor "x": unknown dtype "complex64", expected one of bool, int8, uint8, int16, uint16, int32, uint32, int64, uint64, float16, bfloat16, float32, float64',
    ],
    [
      { x: { dtype: "float16", shape: [1], data: new Float32Array([65520]) } },
      'tensor "x": element 0 is 65520, beyond float16\'s largest value 65504',
    ],
    [
      { x: { dtype: "bool", shape: [1], data: new Uint8Array([2]) } },
      'tensor "x": element 0 is 2, expected 0 or 1 for bool',
    ],
    [{ __metadata__: good }, 'tensor "__metadata__": this name is reserved'],
    [{ "\ud800": good }, 'tensor "\\ud800": the name has a lone surrogate'],
  ];
  for (const [tensors, reason] of cases) {
    t.throws(() => writeSafetensors(tensors, { source: "f" }), { message: `writeSafetensors: f: ${reason}` });
  }
  t.throws(
    () => writeSafetensors({}, { metadata: { a: 1 as unknown as string } }),
    /metadata "a" is not a text/,
  );
  t.throws(() => writeSafetensors({}, { metadata: { a: "\udfff" } }), /metadata "a" has a lone surrogate/);
});

// Run with another count for a long search: node test/dist/tensor/safetensors.test.js 10000
const mutations = Number(process.argv[2] ?? 1000);

t.test(`${mutations} mutated files are read or refused, never worse`, async (t) => {
  const draw = stream("fuzz", "safetensors");
  const seeds = [
    writeSafetensors(
      {
        "encoder.weight": { dtype: "float32", shape: [4, 3], data: new Float32Array(12) },
        "encoder.bias": { dtype: "float16", shape: [3], data: new Uint16Array(3) },
        steps: { dtype: "int64", shape: [], data: new BigInt64Array(1) },
        mask: { dtype: "bool", shape: [5], data: new Uint8Array(5) },
      },
      { metadata: { format: "pt" } },
    ),
    ...malformed.map(([, bytes]) => bytes).filter((bytes) => bytes.length < 1000),
  ];
  const tokens = [
    '"',
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "9",
    "-",
    "e",
    ".",
    "\0",
    "\xff",
    "__proto__",
    '"x":',
    "0,",
  ];
  const pick = <T>(items: readonly T[]) => items[draw.integer(0, items.length)]!;
  const mutate = (bytes: Uint8Array): Uint8Array => {
    const at = draw.integer(0, bytes.length + 1);
    const until = Math.min(bytes.length, at + draw.integer(0, 9));
    const part = pick([0, 1, 2, 3]);
    if (part === 0)
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(pick(tokens), "latin1"),
        bytes.subarray(until),
      ]);
    if (part === 1) return Buffer.concat([bytes.subarray(0, until), bytes.subarray(at)]);
    if (part === 2) return bytes.slice(0, at);
    const copy = bytes.slice();
    if (at < copy.length) copy[at] = draw.integer(0, 256);
    return copy;
  };
  let refused = 0;
  let slowest = 0;
  for (let i = 0; i < mutations; i++) {
    let bytes = draw.bernoulli(0.7) ? seeds[0]! : pick(seeds);
    for (let k = draw.integer(1, 4); k > 0; k--) bytes = mutate(bytes);
    // Most mutations change the header's size: state the new one, so that they get past the first check.
    if (bytes.length >= 8 && draw.bernoulli(0.5)) {
      const close = Buffer.from(bytes).lastIndexOf("}");
      bytes = bytes.slice();
      if (close > 8) new DataView(bytes.buffer).setUint32(0, close + 1 - 8, true);
    }
    const started = process.cpuUsage();
    try {
      const { tensors } = readSafetensors(bytes);
      const stored = [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
      if (stored > 2 * bytes.length) t.fail(`mutation ${i}: ${stored} bytes of tensors from ${bytes.length}`);
    } catch (error) {
      refused++;
      if (!(error instanceof FormatError)) t.fail(`mutation ${i}: ${error}`);
    }
    const { user } = process.cpuUsage(started);
    slowest = Math.max(slowest, user);
  }
  t.ok(slowest < 2e6, "no file takes 2 s of CPU time");
  t.ok(refused > mutations / 2 && refused < mutations, `${refused} of ${mutations} refused`);
});
