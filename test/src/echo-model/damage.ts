// Seeded damage for fuzz tests: bytes flipped, fields forged, files cut, joined and stretched; JSON with odd values.

/** A whole number from 0 to below `limit`. */
export type Draw = (limit: number) => number;

/** A stream of numbers from a seed (mulberry32). */
export function draws(seed: number): Draw {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) % limit;
  };
}

const ODD_NUMBERS = [0, 1, 2, 0x7f, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

/**
 * A copy of a file with one to four kinds of damage.
 * @param head - the first so many bytes are hit as often as all of them: headers and tables stand there.
 */
export function damageBytes(file: Uint8Array, draw: Draw, head: number): Uint8Array {
  let bytes = file.slice();
  for (let kinds = 1 + draw(4); kinds > 0; kinds--) {
    const reach = Math.max(1, draw(2) === 0 ? Math.min(head, bytes.length) : bytes.length);
    const at = draw(reach);
    switch (draw(6)) {
      case 0:
        for (let i = 1 + draw(8); i > 0; i--) bytes[draw(reach)] = draw(256);
        break;
      case 1:
        if (at < bytes.length) bytes[at] = bytes[at]! ^ (1 << draw(8));
        break;
      case 2: {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        if (at + 4 <= bytes.length) view.setUint32(at, ODD_NUMBERS[draw(ODD_NUMBERS.length)]!, draw(2) === 0);
        break;
      }
      case 3:
        bytes = bytes.slice(0, draw(bytes.length + 1));
        break;
      case 4: {
        const end = at + draw(64);
        bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(end)]);
        break;
      }
      default: {
        const piece = bytes.slice(at, at + draw(256));
        bytes = Uint8Array.from([...bytes.subarray(0, at), ...piece, ...bytes.subarray(at)]);
      }
    }
  }
  return bytes;
}

const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1,
  1.5,
  1e9,
  "",
  "a",
  "<unk>",
  "(a+)+$",
  "\ud800",
  [],
  {},
  [[[[]]]],
  ["a", "b"],
  { type: "Sequence" },
  { type: "ByteLevel" },
  { Regex: "(a|b)*c" },
  { Regex: "a{2" },
  { String: "" },
  "x".repeat(20_000),
];

/** A copy of a JSON value in which one to three values are odd, missing, or stand elsewhere. */
export function damageJson(value: object, draw: Draw): unknown {
  const copy: unknown = JSON.parse(JSON.stringify(value));
  for (let changes = 1 + draw(3); changes > 0; changes--) {
    let place = copy as Record<string, unknown>;
    for (;;) {
      const keys = Object.keys(place);
      if (keys.length === 0) break;
      const key = keys[draw(keys.length)]!;
      const next = place[key];
      if (typeof next === "object" && next !== null && draw(5) > 0) {
        place = next as Record<string, unknown>;
        continue;
      }
      const how = draw(6);
      if (how === 0) delete place[key];
      else if (how === 1) place[String(draw(300))] = structuredClone(next);
      else place[key] = structuredClone(ODD_VALUES[draw(ODD_VALUES.length)]);
      break;
    }
  }
  return copy;
}
