"""The items of `pnpm bench` in PyTorch: python beside_torch.py ITEM,ITEM THREADS BUDGET_MS prints one JSON object a line."""

import json
import sys
import time

import torch

F = torch.nn.functional
NAMES, THREADS, BUDGET = sys.argv[1].split(","), int(sys.argv[2]), float(sys.argv[3]) / 1000
torch.set_num_threads(THREADS)
torch.manual_seed(1)


def product(m, k, n):
    a, b = torch.randn(m, k), torch.randn(k, n)
    return lambda: a @ b


def row(k, n):
    x, w = torch.randn(1, k), torch.randn(n, k)
    return lambda: F.linear(x, w)


def micro():
    layers = [torch.nn.Linear(2, 16), torch.nn.Tanh(), torch.nn.Linear(16, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1)]
    net = torch.nn.Sequential(*layers)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    x, y = torch.randn(64, 2), torch.randn(64, 1)

    def step():
        loss = F.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return step


class Layer(torch.nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.attention_norm = torch.nn.RMSNorm(width, eps=1e-6)
        self.qkv = torch.nn.Linear(width, 3 * width)
        self.output = torch.nn.Linear(width, width)
        self.mlp_norm = torch.nn.RMSNorm(width, eps=1e-6)
        self.expand = torch.nn.Linear(width, 4 * width)
        self.contract = torch.nn.Linear(4 * width, width)
        self.heads = heads

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (p.view(b, t, self.heads, d // self.heads).transpose(1, 2) for p in self.qkv(self.attention_norm(x)).split(d, 2))
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, t, d)
        x = x + self.output(mixed)
        return x + self.contract(F.gelu(self.expand(self.mlp_norm(x)), approximate="tanh"))


def encoder(width, heads, layers, frames, batch, classes):
    last = [torch.nn.RMSNorm(width, eps=1e-6), torch.nn.Linear(width, classes)]
    net = torch.nn.Sequential(*[Layer(width, heads) for _ in range(layers)], *last)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.01, fused=True)
    x, labels = torch.randn(batch, frames, width), torch.randint(0, classes, (batch * frames,))

    def step():
        loss = F.cross_entropy(net(x).reshape(-1, classes), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return step


def plain(f):
    def prepare():
        x = torch.randn(2**20)
        return lambda: f(x)

    return prepare


def squares():
    x = torch.randn(1500, 1500)
    return lambda: torch.softmax(x, -1)


ITEMS = {
    "matmul_256": lambda: product(256, 256, 256),
    "matmul_512": lambda: product(512, 512, 512),
    "matmul_1024": lambda: product(1024, 1024, 1024),
    "linear_row_128x512": lambda: row(128, 512),
    "linear_row_384x51865": lambda: row(384, 51865),
    "gelu_1M": plain(lambda x: F.gelu(x, approximate="tanh")),
    "softmax_1500": squares,
    "micro_mlp_step": micro,
    "train_d128": lambda: encoder(128, 4, 4, 375, 4, 128),
    "train_d512": lambda: encoder(512, 8, 2, 1500, 1, 128),
}

for name in NAMES:
    run = ITEMS[name]()
    for _ in range(3):
        run()
    times, start = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - start < BUDGET:
        before = time.perf_counter()
        run()
        times.append((time.perf_counter() - before) * 1000)
    times.sort()
    print(json.dumps({"item": name, "msMin": times[0], "msMedian": times[len(times) // 2]}), flush=True)
