"""What this week's answers are handed: encoders, decoders, likelihoods and an optimiser, built from weights that a law chose."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Normal

Weights = Mapping[str, Tensor]
"""By the names of PyTorch: "mu.weight" [k, inputs], "mu.bias" [k], and so on. Without "hidden" there is no hidden layer."""


def layer(weights: Weights, name: str) -> nn.Linear:
    """The linear layer of that name."""
    weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    made = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype, device=weight.device)
    with torch.no_grad():
        made.weight.copy_(weight)
        made.bias.copy_(bias)
    return made


class Encoder(nn.Module):
    """From x to the pair (μ, log σ²) of q(z|x)."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.hidden = layer(weights, "hidden") if "hidden.weight" in weights else None
        self.mu, self.log_var = layer(weights, "mu"), layer(weights, "log_var")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        inside = x if self.hidden is None else self.hidden(x).tanh()
        return self.mu(inside), self.log_var(inside)


class Decoder(nn.Module):
    """From z to the numbers that a likelihood takes: logits of pixels, or means."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.hidden = layer(weights, "hidden") if "hidden.weight" in weights else None
        self.out = layer(weights, "out")

    def forward(self, z: Tensor) -> Tensor:
        return self.out(z if self.hidden is None else self.hidden(z).tanh())


class BinaryPixels(nn.Module):
    """log p(x|z) of black and white pixels, summed over them: each is one of two categories, with the logits 0 and `outputs`."""

    def forward(self, outputs: Tensor, x: Tensor) -> Tensor:
        both = torch.stack([torch.zeros_like(outputs), outputs], -1)
        return Categorical(logits=both, validate_args=False).log_prob(x).sum(-1)


class UnitGaussian(nn.Module):
    """log p(x|z) of real numbers around `outputs`, with the variance 1 in every dimension, summed over them."""

    def forward(self, outputs: Tensor, x: Tensor) -> Tensor:
        return Normal(outputs, torch.ones_like(outputs), validate_args=False).log_prob(x).sum(-1)


def sgd(encoder: nn.Module, decoder: nn.Module, rate: float, momentum: float) -> torch.optim.Optimizer:
    """Gradient descent with momentum on the weights of both networks."""
    return torch.optim.SGD([*encoder.parameters(), *decoder.parameters()], lr=rate, momentum=momentum)


def linear(weight: Tensor, bias: Tensor) -> nn.Module:
    """x ↦ weight·x + bias."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype, device=weight.device)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return layer


def two_layers(first: Tensor, first_bias: Tensor, second: Tensor, second_bias: Tensor) -> nn.Module:
    """x ↦ second·tanh(first·x + first_bias) + second_bias."""
    return nn.Sequential(linear(first, first_bias), nn.Tanh(), linear(second, second_bias))


class TwoHeads(nn.Module):
    """x ↦ (mu(x), log_var(x))."""

    def __init__(self, mu: nn.Module, log_var: nn.Module) -> None:
        super().__init__()
        self.mu, self.log_var = mu, log_var

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.mu(x), self.log_var(x)


def two_heads(mu: nn.Module, log_var: nn.Module) -> nn.Module:
    """A Gaussian encoder of two networks: one gives the posterior mean, one the logarithm of the posterior variance."""
    return TwoHeads(mu, log_var)
