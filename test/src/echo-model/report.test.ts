// Reports: subtitles, the run's log, and TensorBoard files byte by byte.

import { DataError, groupCues, type TimedWord, toSrt, toTranscriptJson, toVtt } from "@echo-ts/echo-model";
import {
  crc32c,
  encodeScalars,
  encodeVersion,
  eventFileName,
  frameRecord,
  maskedCrc32c,
  pitchPlot,
  readRecords,
  readScalars,
  shadePlot,
} from "@echo-ts/echo-model/study";
import fc from "fast-check";
import t from "tap";
import { holdCues } from "../../../packages/echo-model/dist/speech/subtitles.js";
import { formatLogLine, parseLog, toCsv } from "../../../packages/echo-model/dist/train/event-log.js";

const WORDS: TimedWord[] = [
  { word: "go", start: 0, end: 0.4, confidence: 0.9 },
  { word: "on", start: 0.5, end: 0.8126 },
  { word: "r&b", start: 3661.5, end: 3661.9999 },
];

t.test("cues end at long silences, at full lines and after some seconds", async (t) => {
  const texts = (words: readonly TimedWord[], options = {}): string[] =>
    groupCues(words, options).map(({ text }) => text);
  t.same(texts(WORDS), ["go on", "r&b"]);
  t.same(texts(WORDS, { maxCharacters: 4 }), ["go", "on", "r&b"], "go on has five characters");
  t.same(texts(WORDS, { maxCharacters: 5 }), ["go on", "r&b"]);
  t.same(texts(WORDS, { maxSeconds: 0.8 }), ["go", "on", "r&b"]);
  t.same(texts(WORDS, { maxGapSeconds: 0.05 }), ["go", "on", "r&b"]);
  t.same(texts([{ word: "incomprehensibilities", start: 0, end: 1 }], { maxCharacters: 5 }), [
    "incomprehensibilities",
  ]);
  t.same(groupCues([]), []);

  const refused = (words: TimedWord[], message: string): void => {
    t.throws(() => groupCues(words), new RangeError(`groupCues: word ${message}`));
  };
  refused([{ word: "a", start: 1, end: 0.5 }], '0 ("a"): expected 0 <= start <= end, got 1 to 0.5');
  refused([{ word: "a", start: Number.NaN, end: 1 }], '0 ("a"): expected 0 <= start <= end, got NaN to 1');
  refused(
    [
      { word: "a", start: 1, end: 2 },
      { word: "b", start: 0.5, end: 3 },
    ],
    '1 ("b"): expected a start >= 1 like the word before, got 0.5',
  );

  t.test("every word is in exactly one cue, in order", async () => {
    const steps = fc.array(
      fc.tuple(
        fc.double({ min: 0, max: 3, noNaN: true }),
        fc.double({ min: 0, max: 2, noNaN: true }),
        fc.constantFrom("a", "bcd", "efghij"),
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(steps, (list) => {
        let at = 0;
        const words = list.map(([gap, length, word]) => {
          at += gap;
          return { word, start: at, end: at + length };
        });
        const cues = groupCues(words, { maxCharacters: 12 });
        return (
          cues.flatMap((cue) => cue.words).every((word, i) => word === words[i]) &&
          cues.every((cue) => cue.text.length <= 12)
        );
      }),
      { seed: 8 },
    );
  });
});

t.test("short cues stay to be read, up to the next one", async (t) => {
  const cues = groupCues([...WORDS, { word: "so", start: 3663, end: 3663.1 }], { maxCharacters: 4 });
  const ends = (seconds?: number) => holdCues(cues, seconds).map(({ end }) => end);
  t.same(
    cues.map(({ end }) => end),
    [0.4, 0.8126, 3661.9999, 3663.1],
  );
  t.same(ends(), [0.5, 1.5, 3662.5, 3664], "a second, cut where the next cue starts");
  t.same(ends(0), [0.4, 0.8126, 3661.9999, 3663.1], "never shorter");
  t.same(ends(2), [0.5, 2.5, 3663, 3665]);
  t.same(
    holdCues(cues).map(({ words }) => words),
    cues.map(({ words }) => words),
    "the words keep their times",
  );
});

t.test("SRT", async (t) => {
  t.equal(
    toSrt(groupCues(WORDS)),
    "1\n00:00:00,000 --> 00:00:00,813\ngo on\n\n2\n01:01:01,500 --> 01:01:02,000\nr&b\n",
  );
  t.equal(toSrt([]), "");
  const odd = groupCues([{ word: "a -->\n b", start: 1, end: 1 }]);
  t.equal(toSrt(odd), "1\n00:00:01,000 --> 00:00:01,001\na -> b\n", "no cue of zero length, no false arrow");
});

t.test("WebVTT", async (t) => {
  t.equal(
    toVtt(groupCues(WORDS)),
    "WEBVTT\n\n00:00:00.000 --> 00:00:00.813\ngo on\n\n01:01:01.500 --> 01:01:02.000\nr&amp;b\n",
  );
  t.equal(toVtt([]), "WEBVTT\n");
  t.match(toVtt(groupCues(WORDS), { wordTimes: true }), "\ngo <00:00:00.500>on\n");
  t.match(toVtt(groupCues([{ word: "<b>", start: 0, end: 1 }])), "\n&lt;b&gt;\n");
});

t.test("transcript JSON", async (t) => {
  t.same(JSON.parse(toTranscriptJson(groupCues(WORDS))), {
    text: "go on r&b",
    segments: [
      {
        start: 0,
        end: 0.813,
        text: "go on",
        words: [
          { word: "go", start: 0, end: 0.4, confidence: 0.9 },
          { word: "on", start: 0.5, end: 0.813 },
        ],
      },
      { start: 3661.5, end: 3662, text: "r&b", words: [{ word: "r&b", start: 3661.5, end: 3662 }] },
    ],
  });
});

t.test("the log keeps what JSON would lose", async (t) => {
  t.equal(
    formatLogLine({ step: 3, loss: Number.NaN, rate: -Infinity }),
    '{"step":3,"loss":"NaN","rate":"-Infinity"}\n',
  );
  t.same(
    parseLog('{"a":1}\n\n{"b":2}\n{"c":'),
    [{ a: 1 }, { b: 2 }],
    "a last line cut off by a kill is left out",
  );
  t.same(parseLog('{"a":1}'), [{ a: 1 }], "a whole last line counts without its newline");
  t.throws(
    () => parseLog('{"a":1}\n{"b"\n{"c":3}\n', "run.jsonl"),
    new DataError('run.jsonl:2: expected a JSON object, got "{\\"b\\""'),
  );
  t.throws(
    () => parseLog("[1]\n", "run.jsonl"),
    new DataError('run.jsonl:1: expected a JSON object, got "[1]"'),
  );
});

t.test("CSV", async (t) => {
  const records = [
    { step: 1, text: 'say "hi", then' },
    { step: 2, loss: 0.5, groups: { a: 1 } },
  ];
  t.equal(toCsv(records), 'step,text,loss,groups\r\n1,"say ""hi"", then",,\r\n2,,0.5,"{""a"":1}"\r\n');
  t.equal(toCsv([]), "");
});

t.test("CRC-32C has the published check values", async (t) => {
  // RFC 3720, appendix B.4, and the check value of the catalogue of CRC algorithms.
  t.equal(crc32c(new Uint8Array(32)), 0x8a9136aa, "32 zeros");
  t.equal(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43, "32 ones");
  t.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e, "ascending");
  t.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c, "descending");
  t.equal(crc32c(new TextEncoder().encode("123456789")), 0xe3069283);
  t.equal(crc32c(new Uint8Array(0)), 0);
});

t.test("records are framed as TensorFlow does", async (t) => {
  // Every event file TensorFlow writes begins with these twelve bytes: length 24 and its masked checksum.
  const version = encodeVersion(1700000000.5);
  t.same([...version.subarray(0, 12)], [0x18, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22]);
  t.equal(version.length, 24 + 16);
  t.same(
    [...version.subarray(12, 13), ...version.subarray(21, 23)],
    [0x09, 0x1a, 13],
    "wall_time, file_version",
  );
  t.equal(new TextDecoder().decode(version.subarray(23, 36)), "brain.Event:2");
  t.equal(maskedCrc32c(Uint8Array.of(0x18, 0, 0, 0, 0, 0, 0, 0)), 0x224b7fa3);

  const file = new Uint8Array([
    ...frameRecord(Uint8Array.of(1, 2, 3)),
    ...frameRecord(new Uint8Array(0)),
    ...frameRecord(Uint8Array.of(4)),
  ]);
  t.same(
    readRecords(file).map((record) => [...record]),
    [[1, 2, 3], [], [4]],
  );
  for (let cut = 0; cut < 17; cut++)
    t.equal(readRecords(file.subarray(0, file.length - 1 - cut)).length, 2, "a record cut off is left out");
  for (const [at, part] of [
    [0, "length"],
    [8, "length"],
    [13, "data"],
    [17, "data"],
  ] as const) {
    const damaged = file.slice();
    damaged[at]! ^= 1;
    t.throws(() => readRecords(damaged), {
      name: "DataError",
      message: new RegExp(`^readRecords: record 0: checksum of its ${part} does not fit`),
    });
  }
});

t.test("TensorBoard scalars", async (t) => {
  t.equal(eventFileName(1700000000.9), "events.out.tfevents.1700000000.echo");
  // Event{wall_time 1.5, step 300, summary{value{tag "a", simple_value 0.25}}}, encoded on paper.
  const expected = [
    ...[0x09, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f],
    ...[0x10, 0xac, 0x02],
    ...[0x2a, 10, 0x0a, 8, 0x0a, 1, 0x61, 0x15, 0, 0, 0x80, 0x3e],
  ];
  const record = encodeScalars({ wallTime: 1.5, step: 300, scalars: { a: 0.25 } });
  t.same([...record.subarray(12, -4)], expected);

  const events = [
    { wallTime: 1700000000.125, step: 0, scalars: { "train/loss": 2.5, "train/größe": -0.5 } },
    { wallTime: 1700000001, step: 2 ** 40 + 1, scalars: { loss: Number.POSITIVE_INFINITY } },
    { wallTime: 0, step: 127, scalars: { loss: Number.NaN } },
  ];
  const file = Uint8Array.from(
    [encodeVersion(5), ...events.map(encodeScalars)].flatMap((bytes) => [...bytes]),
  );
  t.same(readScalars(file), events, "read back what was written");
  t.throws(
    () => encodeScalars({ wallTime: 0, step: 1.5, scalars: {} }),
    new RangeError("encodeScalars: step must be an integer >= 0, got 1.5"),
  );
});

t.test("a picture of values: rows upwards, the largest darkest", async (t) => {
  t.equal(shadePlot([0, 0, 9, 0], 2, 2), "@ \n  ");
  t.equal(shadePlot([1, 1, 1, 1], 2, 2), "  \n  ", "no spread, no shade");
  const lines = shadePlot(new Float32Array(200 * 100), 100, 200, 40, 10).split("\n");
  t.same([lines.length, lines[0]!.length], [10, 40]);
});

t.test("a picture of pitch: higher is further up, unvoiced is empty", async (t) => {
  const rows = pitchPlot([100, 0, 200], 3, 2).split("\n");
  t.match(rows[0], /^ +\d+ Hz \| {2}\*$/);
  t.match(rows[1], /^ +\d+ Hz \|\* {2}$/);
  t.equal(pitchPlot([0, 0]), "no voiced frame");
});
