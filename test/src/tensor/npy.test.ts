// .npy and .npz: files that NumPy wrote, exact round trips, malformed files, zip bombs.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import t from "tap";
import type { ArrayRecord } from "../../../packages/tensor/dist/formats/array-record.js";
import { FormatError } from "../../../packages/tensor/dist/formats/format-error.js";
import { readNpy, writeNpy } from "../../../packages/tensor/dist/formats/npy.js";
import { readNpz, writeNpz } from "../../../packages/tensor/dist/formats/npz.js";
import { stream } from "../../../packages/tensor/dist/random.js";

// Written by NumPy itself: test/fixtures/numpy/make.py.
const fixture: { files: Record<string, string> } = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../fixtures/numpy/npy.json"), "utf8"),
);
const numpyFile = (name: string): Uint8Array => new Uint8Array(Buffer.from(fixture.files[name]!, "hex"));

const grid = [1.5, -2, 3.25, 0, Number.POSITIVE_INFINITY, -0];
const arange = Int32Array.from({ length: 24 }, (_, i) => i);
const read: [string, ArrayRecord][] = [
  ["f4_c", { dtype: "float32", shape: [2, 3], data: new Float32Array(grid) }],
  ["f4_c_version_2", { dtype: "float32", shape: [2, 3], data: new Float32Array(grid) }],
  ["f4_c_version_3", { dtype: "float32", shape: [2, 3], data: new Float32Array(grid) }],
  ["f8_fortran", { dtype: "float64", shape: [2, 3], data: new Float64Array(grid) }],
  ["f8_big", { dtype: "float64", shape: [2, 3], data: new Float64Array(grid) }],
  ["f2", { dtype: "float32", shape: [2, 3], data: new Float32Array(grid) }],
  ["i4_fortran_3d", { dtype: "int32", shape: [2, 3, 4], data: arange }],
  ["i2_big", { dtype: "int16", shape: [3], data: new Int16Array([1, -2, 300]) }],
  ["i8", { dtype: "int32", shape: [2, 2], data: new Int32Array([1, -2, 2147483647, -2147483648]) }],
  ["i1", { dtype: "int8", shape: [2], data: new Int8Array([-128, 127]) }],
  ["u1", { dtype: "uint8", shape: [2], data: new Uint8Array([0, 255]) }],
  ["u2", { dtype: "uint16", shape: [2], data: new Uint16Array([0, 65535]) }],
  ["u4", { dtype: "uint32", shape: [2], data: new Uint32Array([0, 4294967295]) }],
  ["bool", { dtype: "bool", shape: [2, 2], data: new Uint8Array([1, 0, 0, 1]) }],
  ["scalar", { dtype: "float64", shape: [], data: new Float64Array([2.5]) }],
  ["empty", { dtype: "float32", shape: [0, 3], data: new Float32Array(0) }],
];

t.test(
  "files of NumPy are read: all dtypes, both byte orders, both element orders, versions 1 to 3",
  async (t) => {
    for (const [name, expected] of read) {
      const found = readNpy(numpyFile(name));
      t.same(found, expected, name);
      t.ok(
        expected.data.every((value, i) => Object.is(value, found.data[i])),
        `${name}: signed zeros too`,
      );
    }
  },
);

t.test("64-bit integers and float16 can be kept as they are", async (t) => {
  const large = readNpy(numpyFile("i8_large"), { int64: "bigint" });
  t.same(large, { dtype: "int64", shape: [2], data: new BigInt64Array([2n ** 40n, -(2n ** 53n)]) });
  const unsigned = readNpy(numpyFile("u8"), { int64: "bigint" });
  t.same(unsigned, { dtype: "uint64", shape: [2], data: new BigUint64Array([5n, 2n ** 63n]) });
  t.same(
    readNpy(numpyFile("f2"), { half: "raw" }).data,
    new Uint16Array([0x3e00, 0xc000, 0x4280, 0, 0x7c00, 0x8000]),
  );
  t.throws(() => readNpy(numpyFile("i8_large"), { source: "a.npy" }), {
    message: 'readNpy: a.npy: element 0 is 1099511627776, outside int32; read it with { int64: "bigint" }',
  });
});

t.test("arrays are written with the very bytes of NumPy", async (t) => {
  const written = [
    "f4_c",
    "i4_fortran_3d",
    "f8_fortran",
    "i8_large",
    "u8",
    "u1",
    "u2",
    "u4",
    "i1",
    "bool",
    "scalar",
    "empty",
  ];
  for (const name of written) {
    const record = readNpy(numpyFile(name), { int64: "bigint" });
    t.same(writeNpy(record, { fortranOrder: name.includes("fortran") }), numpyFile(name), name);
  }
  t.same(writeNpy(readNpy(numpyFile("f2"), { half: "raw" })), numpyFile("f2"));
  const rounded = writeNpy({ dtype: "float16", shape: [2, 3], data: new Float32Array(grid) });
  t.same(rounded, numpyFile("f2"), "float32 data of a float16 record is rounded");
  t.same(writeNpy(readNpy(numpyFile("empty")), { fortranOrder: true }), numpyFile("empty"));
});

const anyRecord = fc.array(fc.nat(4), { maxLength: 5 }).chain((shape) => {
  const length = shape.reduce((a, b) => a * b, 1);
  return fc
    .array(fc.double(), { minLength: length, maxLength: length })
    .map((values): ArrayRecord => ({ dtype: "float64", shape, data: Float64Array.from(values) }));
});
const equal = (a: ArrayRecord, b: ArrayRecord | undefined) =>
  b !== undefined &&
  a.dtype === b.dtype &&
  String(a.shape) === String(b.shape) &&
  a.data.every((x, i) => Object.is(x, b.data[i]));

t.test("any shape survives in both orders, and the headers are aligned to 64", async (t) => {
  fc.assert(
    fc.property(anyRecord, fc.boolean(), (record, fortranOrder) => {
      const bytes = writeNpy(record, { fortranOrder });
      return equal(record, readNpy(bytes)) && (bytes.length - record.data.byteLength) % 64 === 0;
    }),
  );
  t.pass();
});

/** A .npy file with this dict literal; the data is `dataBytes` zeros. */
function npy(dict: string, dataBytes = 0, version: [number, number] = [1, 0]): Uint8Array {
  const out = Buffer.alloc(10 + dict.length + dataBytes);
  out.write(`\x93NUMPY${String.fromCharCode(...version)}`, "latin1");
  out.writeUInt16LE(dict.length, 8);
  out.write(dict, 10, "latin1");
  return out;
}

const dict = (shape: string, descr = "'<f4'", order = "False") =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`;
const cut = (bytes: Uint8Array, length: number) => bytes.subarray(0, length);

const malformed: [string, Uint8Array, string | RegExp][] = [
  ["an empty file", new Uint8Array(0), 'starts with "", expected "\\x93NUMPY"; is this a .npy file?'],
  [
    "another file",
    Buffer.from("PK\x03\x04 some zip"),
    /^readNpy: f: starts with "PK.*; is this a .npy file\?$/,
  ],
  ["only the magic", cut(numpyFile("f4_c"), 8), "8 bytes end inside the header"],
  ["version 4", npy(dict("(2,)"), 8, [4, 0]), "format version 4.0, expected 1.0, 2.0 or 3.0"],
  ["version 1.1", npy(dict("(2,)"), 8, [1, 1]), "format version 1.1, expected 1.0, 2.0 or 3.0"],
  ["a cut header", cut(numpyFile("f4_c"), 60), "header of 118 bytes in a file of 60"],
  [
    "a huge header",
    Buffer.concat([
      cut(numpyFile("f4_c_version_2"), 8),
      Buffer.from([0xff, 0xff, 0xff, 0xff]),
      Buffer.alloc(20),
    ]),
    "header of 4294967295 bytes, expected at most 10000",
  ],
  ["missing data", cut(numpyFile("f4_c"), 128 + 23), "23 bytes of data, expected 24 for float32 [2, 3]"],
  [
    "trailing data",
    Buffer.concat([numpyFile("f4_c"), Buffer.alloc(3)]),
    "3 bytes follow the array; is this several arrays in one file? Use .npz for that",
  ],
  [
    "a claim of terabytes",
    npy(dict("(1099511627776,)"), 4),
    "4 bytes of data, expected 4398046511104 for float32 [1099511627776]",
  ],
  [
    "sizes that overflow",
    npy(dict("(4294967296, 4294967296)")),
    "0 bytes of data, expected Infinity for float32 [4294967296, 4294967296]",
  ],
  ["no dict", npy("[1]"), 'header "[1]" is not a Python dict'],
  ["an expression", npy("{'descr': '<f4', 'shape': 1 + 1}"), "header: cannot read \"'shape': 1 + 1\""],
  ["no shape", npy("{'descr': '<f4'}"), "header has the keys descr, expected descr, fortran_order, shape"],
  ["no keys", npy("{}"), "header has the keys (none), expected descr, fortran_order, shape"],
  ["a repeated key", npy("{'descr': '<f4', 'descr': '<f4'}"), 'header: the key "descr" appears twice'],
  ["an unquoted dtype", npy(dict("(2,)", "f4"), 8), 'header: descr is "f4", expected a text'],
  [
    "an order of 1",
    npy(dict("(2,)", "'<f4'", "1"), 8),
    'header: fortran_order is "1", expected True or False',
  ],
  [
    "a shape that is no tuple",
    npy(dict("(2)"), 8),
    'header: shape is "(2)", expected a tuple of sizes such as (2, 3)',
  ],
  [
    "a negative size",
    npy(dict("(-2,)"), 8),
    'header: shape is "(-2,)", expected a tuple of sizes such as (2, 3)',
  ],
  [
    "a real size",
    npy(dict("(2.0,)"), 8),
    'header: shape is "(2.0,)", expected a tuple of sizes such as (2, 3)',
  ],
  [
    "a size of 2^53",
    npy(dict("(9007199254740992,)")),
    "header: the size 9007199254740992 is not an integer below 2^53",
  ],
  ["65 axes", npy(dict(`(${"1, ".repeat(65)})`), 4), "header: 65 axes, expected at most 64"],
  [
    "an unknown dtype",
    npy(dict("(2,)", "'<x4'"), 8),
    /dtype "<x4" is not supported: expected one of b1, i1, /,
  ],
  ["no byte order", npy(dict("(2,)", "'|f4'"), 8), 'dtype "|f4" does not say its byte order'],
  [
    "a bool of 2",
    Buffer.concat([npy(dict("(1,)", "'|b1'")), Buffer.from([2])]),
    "element 0 is 2, expected 0 or 1 for bool",
  ],
  [
    "complex",
    numpyFile("refused_complex"),
    'dtype "<c8" is not supported: complex numbers have no counterpart; save real and imaginary parts',
  ],
  [
    "structured",
    numpyFile("refused_structured"),
    "structured dtypes have no counterpart; save the fields one by one",
  ],
  ["text", numpyFile("refused_text"), 'dtype "<U2" is not supported: text is no number'],
  ["bytes", numpyFile("refused_bytes"), 'dtype "|S2" is not supported: byte strings are no numbers'],
  [
    "dates",
    numpyFile("refused_datetime"),
    'dtype "<M8[D]" is not supported: dates have no counterpart; save them as integers',
  ],
  [
    "objects",
    numpyFile("refused_object"),
    'dtype "|O" is not supported: Python objects are pickles, which could run code; save a numeric dtype',
  ],
  [
    "long double",
    numpyFile("refused_longdouble"),
    'dtype "<f16" is not supported: this float size has no counterpart; save float64 or float32',
  ],
];

t.test("malformed .npy files are refused with a reason", async (t) => {
  for (const [name, bytes, reason] of malformed) {
    const message = typeof reason === "string" ? `readNpy: f: ${reason}` : reason;
    t.throws(() => readNpy(bytes, { source: "f" }), { name: "FormatError", message }, name);
  }
});

t.test("records that .npy cannot hold are refused", async (t) => {
  t.throws(() => writeNpy({ dtype: "bfloat16", shape: [1], data: new Uint16Array(1) }), {
    message: "writeNpy: bytes: dtype bfloat16 has no .npy counterpart; convert to float32 first",
  });
  t.throws(() => writeNpy({ dtype: "int32", shape: [2], data: new Int32Array(1) }, { source: "x.npy" }), {
    message: "writeNpy: x.npy: 1 elements, expected 2 for shape [2]",
  });
});

t.test("archives of NumPy are read, stored and deflated", async (t) => {
  for (const name of ["npz_stored", "npz_deflated"]) {
    const arrays = readNpz(numpyFile(name));
    t.same([...arrays.keys()], ["weight", "steps", "long", "name.with/slash é"]);
    t.same(arrays.get("weight"), readNpy(numpyFile("f4_c")));
    t.same(arrays.get("steps"), readNpy(numpyFile("i8")));
    t.same(arrays.get("long"), { dtype: "float32", shape: [400], data: new Float32Array(400) });
    t.same(arrays.get("name.with/slash é"), readNpy(numpyFile("bool")));
  }
});

t.test("archives survive, special names included, and equal contents give equal bytes", async (t) => {
  const name = fc.oneof(
    fc.string({ minLength: 1, unit: "grapheme" }),
    fc.constantFrom("__proto__", "0", "a/b", "x.npy"),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, anyRecord), { maxLength: 5 }),
      fc.boolean(),
      (entries, compressed) => {
        const arrays = new Map(entries);
        const bytes = writeNpz(arrays, { compressed });
        const back = readNpz(bytes);
        const same = [...arrays].every(([key, record]) => equal(record, back.get(key)));
        return (
          same && back.size === arrays.size && Buffer.compare(bytes, writeNpz(arrays, { compressed })) === 0
        );
      },
    ),
  );
  t.pass();
});

const record: ArrayRecord = { dtype: "uint8", shape: [5000], data: new Uint8Array(5000) };
const stored = writeNpz({ x: record });
const deflated = writeNpz({ x: record }, { compressed: true });

/** A copy of an archive with one field of the directory's first entry overwritten. */
function patched(archive: Uint8Array, offset: number, value: number, width: 2 | 4 = 4): Uint8Array {
  const copy = Buffer.from(archive);
  const directory = copy.readUInt32LE(copy.length - 6);
  copy.writeUIntLE(value, directory + offset, width);
  return copy;
}

/** A copy of an archive whose directory lists its only entry twice. */
function doubled(archive: Uint8Array): Uint8Array {
  const copy = Buffer.from(archive);
  const directory = copy.readUInt32LE(copy.length - 6);
  const entry = copy.subarray(directory, copy.length - 22);
  const end = Buffer.from(copy.subarray(copy.length - 22));
  end.writeUInt16LE(2, 8);
  end.writeUInt16LE(2, 10);
  return Buffer.concat([copy.subarray(0, directory), entry, entry, end]);
}

const flipped = Buffer.from(stored);
flipped[200] = 1;
const malformedArchives: [string, Uint8Array, string][] = [
  [
    "an empty file",
    new Uint8Array(0),
    "no zip directory at the end of the file; is this a .npz file, and complete?",
  ],
  [
    "a cut archive",
    cut(stored, stored.length - 1),
    "no zip directory at the end of the file; is this a .npz file, and complete?",
  ],
  ["a flipped bit", flipped, "the data is damaged"],
  [
    "another compression",
    numpyFile("npz_bzip2"),
    'array "a": compression method 12, expected 0 (stored) or 8 (deflated)',
  ],
  ["encryption", patched(stored, 8, 1, 2), 'array "x.npy": the entry is encrypted'],
  ["a size above deflate's reach", patched(deflated, 24, 10 ** 6), "claims"],
  ["a size too small", patched(deflated, 24, 5127), 'array "x": unpacks to more bytes, expected 5127'],
  ["a size too large", patched(deflated, 24, 5129), 'array "x": unpacks to 5128 bytes, expected 5129'],
  [
    "a stored size that differs",
    patched(stored, 24, 5129),
    'array "x": unpacks to 5128 bytes, expected 5129',
  ],
  [
    "a bomb",
    patched(deflated, 24, 3 * 10 ** 9),
    "unpacks to 3000000000 bytes, expected at most 2147483648; raise maxBytes to read it",
  ],
  [
    "data beyond the directory",
    patched(stored, 20, 10 ** 6),
    'array "x.npy": data ends at 1000035, beyond the directory',
  ],
  [
    "zip64 sizes",
    patched(stored, 24, 0xffffffff),
    'array "x.npy": zip64 sizes are not supported; use .safetensors',
  ],
  ["no local header", patched(stored, 42, 1), 'array "x.npy": has no local header'],
  ["a damaged directory", patched(stored, 0, 0), "directory entry 0 is damaged"],
  ["a name that is not UTF-8", patched(stored, 46, 0xff, 2), "directory entry 0: the name is not UTF-8"],
  ["entries that share bytes", doubled(stored), "they share bytes"],
  ["no array inside", patched(stored, 47, 0x2e21, 2), "the entry is no .npy file"],
];

t.test("malformed archives are refused with a reason", async (t) => {
  for (const [name, bytes, reason] of malformedArchives) {
    try {
      readNpz(bytes, { source: "f" });
      t.fail(name);
    } catch (error) {
      t.ok(error instanceof FormatError, name);
      t.match(String(error), "FormatError: readNpz: f: ");
      t.match(String(error), reason);
    }
  }
  t.throws(
    () => readNpz(stored, { maxBytes: 5000 }),
    /unpacks to 5128 bytes, expected at most 5000; raise maxBytes/,
  );
  t.throws(() => writeNpz({ "": record }), /array "": the name is empty/);
  const inner = writeNpz({ x: { ...record, dtype: "int8" as const, data: new Int8Array(5000) } });
  t.equal(readNpz(inner).get("x")?.dtype, "int8");
});

t.test("mutated .npy and .npz files are read or refused, never worse", async (t) => {
  const draw = stream("fuzz", "npy");
  const small = writeNpz(new Map([["x", readNpy(numpyFile("f4_c"))]]), { compressed: true });
  for (let i = 0; i < 1000; i++) {
    const archive = i % 2 === 0;
    const bytes = (archive ? small : numpyFile("i4_fortran_3d")).slice();
    for (let k = draw.integer(1, 5); k > 0; k--) bytes[draw.integer(0, bytes.length)] = draw.integer(0, 256);
    try {
      if (archive) readNpz(bytes);
      else readNpy(bytes);
    } catch (error) {
      if (!(error instanceof FormatError)) t.fail(`mutation ${i}: ${error}`);
    }
  }
  t.pass();
});
