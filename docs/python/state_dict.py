"""A state dict both ways: python state_dict.py FROM.safetensors TO.safetensors. Needs torch and safetensors.

FROM was written by toSafetensors for Sequential(Linear(3, 4), Activation("gelu"), Linear(4, 2)); TO is the same
network after one step of SGD in PyTorch, for fromSafetensors.
"""
import sys

import torch
from safetensors.torch import load_file, save_file

network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.GELU(), torch.nn.Linear(4, 2))
network.load_state_dict(load_file(sys.argv[1]))  # strict: every name and shape must fit

x = torch.tensor([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]])
print("before", network(x).tolist())
optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
network(x).square().mean().backward()
optimizer.step()
print("after", network(x).tolist())
save_file(network.state_dict(), sys.argv[2])
