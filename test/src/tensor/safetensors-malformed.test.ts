// Safetensors files that are refused: a table of malformed ones, records that cannot be stored, and mutated files.
import t from "tap";
import type { ArrayRecord } from "../../../packages/tensor/dist/formats/array-record.js";
import { FormatError } from "../../../packages/tensor/dist/formats/format-error.js";
import { readSafetensors, writeSafetensors } from "../../../packages/tensor/dist/formats/safetensors.js";
import { stream } from "../../../packages/tensor/dist/random.js";
import { entry, file, float32 } from "./safetensors-file.ts";

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
    "an unknown key whose value is no JSON",
    file('{"x":{"dtype":"U8","shape":[1],"stride":1x,"data_offsets":[0,1]}}', [0]),
    'header: expected a value at character 40, got "1"',
  ],
  [
    "an unknown key whose value is nested without end",
    file(`{"x":{"dtype":"U8","stride":${"[".repeat(60000)}`),
    "header: values are nested deeper than 120 levels",
  ],
  ["metadata of another kind", file('{"__metadata__":[]}'), 'header: expected { at character 16, got "["'],
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

// Run with another count for a long search: node test/dist/tensor/safetensors-malformed.test.js 10000
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
