// Watching what is computed: what an event says, that nothing changes by it, and that it ends.
import {
  add,
  type ComputedBy,
  memoryInfo,
  type OpEvent,
  observe,
  profile,
  softmax,
  tensor,
  variance,
  withBackend,
} from "@echo-ts/tensor";
import { observation } from "@echo-ts/tensor/internal";
import t from "tap";

/** The events of a body. */
function eventsOf(body: () => unknown): OpEvent[] {
  const events: OpEvent[] = [];
  const stop = observe((event) => events.push(event));
  try {
    body();
  } finally {
    stop();
  }
  return events;
}

const brief = ({ op, by, depth }: OpEvent): [string, ComputedBy, number] => [op, by, depth];

t.test("each op is told once, with its operands, its result and who computed it", async (t) => {
  withBackend("wasm", () => {
    const a = tensor([[1, 2, 3]]);
    const b = tensor([[1], [2]]);
    const [event, ...others] = eventsOf(() => add(a, b));
    t.equal(others.length, 0);
    t.same([event!.op, event!.by, event!.backend, event!.depth], ["add", "kernel", "wasm", 0]);
    t.same(
      event!.inputs.map((x) => x.shape),
      [
        [1, 3],
        [2, 1],
      ],
    );
    t.same([event!.output.shape, event!.output.dtype, event!.bytes], [[2, 3], "float32", 24]);
    t.ok(event!.milliseconds >= 0 && event!.ownMilliseconds === event!.milliseconds);
  });
});

t.test("a composition comes after the ops it consists of, and its own time is without theirs", async (t) => {
  withBackend("reference", () => {
    const x = tensor([1, 2, 3]);
    const events = eventsOf(() => softmax(x));
    t.same(brief(events.at(-1)!), ["softmax", "composition", 0]);
    const inner = events.slice(0, -1);
    t.ok(inner.length > 2 && inner.every(({ depth }) => depth >= 1));
    const within = inner.reduce((sum, { ownMilliseconds }) => sum + ownMilliseconds, 0);
    const { milliseconds, ownMilliseconds } = events.at(-1)!;
    t.ok(
      Math.abs(milliseconds - ownMilliseconds - within) < 1e-6,
      `${milliseconds} ${ownMilliseconds} ${within}`,
    );
  });
});

t.test("fallbacks and views are told apart from kernels", async (t) => {
  withBackend("wasm", () => {
    const x = tensor([1, 2], { dtype: "float64" });
    t.same(eventsOf(() => x.log2().reshape([2, 1])).map(brief), [
      ["log2", "fallback", 0],
      ["reshape", "view", 0],
    ]);
    const [view] = eventsOf(() => x.reshape([2, 1]));
    t.same([view!.bytes, view!.milliseconds], [0, 0]);
  });
});

t.test("watching changes no bit, and stopping ends it; several may watch", async (t) => {
  for (const backend of ["reference", "wasm"]) {
    withBackend(backend, () => {
      const x = tensor(Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i)));
      const plain = softmax(variance(x.reshape([10, 100]), 1)).toArray();
      let watched: unknown;
      const outer = eventsOf(() => {
        const inner = eventsOf(() => {
          watched = softmax(variance(x.reshape([10, 100]), 1)).toArray();
        });
        t.ok(inner.length > 3);
        x.exp();
      });
      t.same(watched, plain);
      t.equal(outer.at(-1)!.op, "exp");
      t.equal(observation.observers, null, "nobody is left");
    });
  }
});

t.test(
  "an error in the op or in the listener ends in the caller, and the depth is right afterwards",
  async (t) => {
    const x = tensor([1, 2]);
    const stop = observe(() => {
      throw new Error("enough");
    });
    t.throws(() => x.exp(), { message: "enough" });
    stop();
    stop(); // twice does nothing
    t.throws(() => eventsOf(() => add(x, tensor([1, 2, 3]))), { name: "ShapeError" });
    t.equal(eventsOf(() => x.exp())[0]!.depth, 0);
  },
);

t.test("a profile adds up calls and bytes, the longest first", async (t) => {
  withBackend("wasm", () => {
    const x = tensor(new Float32Array(100));
    const lines = profile(() => {
      for (let i = 0; i < 5; i++) x.exp();
      x.add(1);
    });
    const exp = lines.find(({ op }) => op === "exp")!;
    t.same([exp.calls, exp.bytes, exp.by, exp.backend], [5, 2000, "kernel", "wasm"]);
    t.same(
      lines.map(({ milliseconds }) => milliseconds),
      lines.map(({ milliseconds }) => milliseconds).sort((a, b) => b - a),
    );
  });
});

t.test("memory figures are those of the arena, and none where the collector looks after it", async (t) => {
  t.equal(
    withBackend("reference", () => memoryInfo()),
    null,
  );
  withBackend("wasm", () => {
    const before = memoryInfo()!;
    const x = tensor(new Float32Array(1 << 20));
    const after = memoryInfo()!;
    t.ok(after.live - before.live >= 4 << 20 && after.liveBlocks === before.liveBlocks + 1);
    t.ok(after.peak >= after.live && after.reserved >= after.live && after.limit >= after.reserved);
    t.equal(x.size, 1 << 20);
  });
});
