"""What this week's laws hand to an answer: small encoders and decoders with weights that the laws know."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Network(nn.Module):
    """Layers one after the other, each tanh(W·input + b); the last one may be W·input + b alone. One row or many."""

    def __init__(self, weights: list[Tensor], biases: list[Tensor], last: str) -> None:
        super().__init__()
        self.weights = nn.ParameterList([nn.Parameter(weight) for weight in weights])
        self.biases = nn.ParameterList([nn.Parameter(bias) for bias in biases])
        self.last = last
        self.could_learn = False
        """Whether it was ever called in such a way that a gradient can reach its weights."""

    def forward(self, x: Tensor) -> Tensor:
        self.could_learn |= torch.is_grad_enabled() and all(weight.requires_grad for weight in self.weights)
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True), start=1):
            x = x @ weight.mT + bias
            if number < len(self.weights) or self.last == "tanh":
                x = torch.tanh(x)
        return x


def network(weights: list[Tensor], biases: list[Tensor], last: str) -> nn.Module:
    """An encoder (last = "tanh") or a decoder that gives logits (last = "linear")."""
    return Network(weights, biases, last)
