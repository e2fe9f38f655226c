"""The items of dtypes.mjs in PyTorch on one thread: python dtypes.py SIZES ONLY cpu|clock prints {item: {size: milliseconds}}."""

import json
import sys
import time

import torch

torch.set_num_threads(1)
SIZES = [int(n) for n in sys.argv[1].split(",")]
ONLY = sys.argv[2] if len(sys.argv) > 2 else ""
NOW = time.process_time if sys.argv[3:] == ["cpu"] else time.perf_counter
BUDGET = 0.12

F = torch.nn.functional
FLOATS = {"float32": torch.float32, "float64": torch.float64}
NUMBERS = {**FLOATS, "int32": torch.int32}

items = []
for name, dtype in NUMBERS.items():
    items += [
        (f"add {name}", dtype, lambda a, b: a + b),
        (f"mul {name}", dtype, lambda a, b: a * b),
        (f"maximum {name}", dtype, torch.maximum),
        (f"minimum {name}", dtype, torch.minimum),
        (f"mod {name}", dtype, lambda a, b: torch.remainder(a, 3)),
        (f"abs {name}", dtype, lambda a, b: torch.abs(a)),
        (f"less {name}", dtype, lambda a, b: a < b),
        (f"lessEqual {name}", dtype, lambda a, b: a <= b),
        (f"where {name}", dtype, lambda a, b: torch.where(mask(a), a, b)),
        (f"sum {name}", dtype, lambda a, b: a.sum()),
        (f"sum rows {name}", dtype, lambda a, b: a.view(-1, 1000).sum(1)),
        (f"sum columns {name}", dtype, lambda a, b: a.view(-1, 1000).sum(0)),
        (f"max {name}", dtype, lambda a, b: a.max()),
        (f"min {name}", dtype, lambda a, b: a.min()),
        (f"argmax {name}", dtype, lambda a, b: a.argmax()),
        (f"cumsum {name}", dtype, lambda a, b: a.cumsum(0)),
        (f"transposed add {name}", dtype, lambda a, b: (a.view(-1, 1000).T + 1).contiguous()),
        (f"tril {name}", dtype, lambda a, b: a.view(-1, 1000).tril()),
        (f"sort {name}", dtype, lambda a, b: a.sort(stable=True).values),
        (f"topk {name}", dtype, lambda a, b: a.topk(10).values),
        (f"gather {name}", dtype, lambda a, b: a.index_select(0, order(a))),
    ]
for name, dtype in FLOATS.items():
    items += [
        (f"div {name}", dtype, lambda a, b: a / b),
        (f"sqrt {name}", dtype, lambda a, b: a.sqrt()),
        (f"exp {name}", dtype, lambda a, b: a.exp()),
        (f"log {name}", dtype, lambda a, b: a.log()),
        (f"sin {name}", dtype, lambda a, b: a.sin()),
        (f"tanh {name}", dtype, lambda a, b: a.tanh()),
        (f"sigmoid {name}", dtype, lambda a, b: a.sigmoid()),
        (f"erf {name}", dtype, lambda a, b: a.erf()),
        (f"gelu {name}", dtype, lambda a, b: F.gelu(a)),
        (f"pow {name}", dtype, lambda a, b: a.abs() ** 1.5),
        (f"round {name}", dtype, lambda a, b: a.round()),
        (f"floor {name}", dtype, lambda a, b: a.floor()),
        (f"isNaN {name}", dtype, lambda a, b: a.isnan()),
        (f"isFinite {name}", dtype, lambda a, b: a.isfinite()),
        (f"softmax {name}", dtype, lambda a, b: a.view(-1, 1000).softmax(-1)),
        (f"logSoftmax {name}", dtype, lambda a, b: a.view(-1, 1000).log_softmax(-1)),
        (f"layerNorm {name}", dtype, lambda a, b: F.layer_norm(a.view(-1, 1000), [1000])),
        (f"matmul {name}", dtype, lambda a, b: a.view(-1, 1000) @ a.view(-1, 1000).T),
        (f"rfft {name}", dtype, lambda a, b: torch.fft.rfft(a.view(-1, 1000))),
        (f"irfft {name}", dtype, lambda a, b: torch.fft.irfft(torch.view_as_complex(a.view(-1, 500, 2)))),
    ]
items += [
    ("float32 to int32", torch.float32, lambda a, b: a.to(torch.int32)),
    ("float64 to int32", torch.float64, lambda a, b: a.to(torch.int32)),
    ("float32 to bool", torch.float32, lambda a, b: a.to(torch.bool)),
    ("int32 to float32", torch.int32, lambda a, b: a.to(torch.float32)),
    ("float64 to float32", torch.float64, lambda a, b: a.to(torch.float32)),
    ("bool to int32", torch.bool, lambda a, b: a.to(torch.int32)),
    ("equal bool", torch.bool, lambda a, b: a == b),
    ("logicalAnd bool", torch.bool, torch.logical_and),
    ("logicalNot bool", torch.bool, lambda a, b: torch.logical_not(a)),
    ("sum bool", torch.bool, lambda a, b: a.sum()),
    ("all bool", torch.bool, lambda a, b: a.all()),
    ("any bool", torch.bool, lambda a, b: a.any()),
    ("all float32", torch.float32, lambda a, b: a.all()),
]

kept = {}


def mask(a):
    return kept.setdefault((id(a), "mask"), a < 0)


def order(a):
    return kept.setdefault((id(a), "order"), torch.arange(a.numel() - 1, -1, -1))


def measure(run, a, b):
    best = float("inf")
    began = time.perf_counter()
    runs = 0
    while runs < 3 or time.perf_counter() - began < BUDGET:
        start = NOW()
        run(a, b)
        best = min(best, NOW() - start)
        runs += 1
    return best * 1e3


times = {}
with torch.no_grad():
    for name, dtype, run in items:
        if ONLY not in name:
            continue
        times[name] = {}
        for n in SIZES:
            torch.manual_seed(1)
            kept.clear()
            a = (torch.rand(n, dtype=torch.float64) * 16 - 8).to(dtype)
            b = (torch.rand(n, dtype=torch.float64) * 16 - 8).to(dtype)
            times[name][n] = measure(run, a, b)
print(json.dumps(times))
