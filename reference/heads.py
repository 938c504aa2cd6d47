"""What the numbers that a decoder gives for x mean: a head makes p(x | z) of them.

The log-likelihood of an image is a sum over its pixels, in nats, whatever the head. Likelihoods of different heads compare only
where they measure the same thing: of a density in nats a pixel value may well be positive, of a probability never.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import (
    Bernoulli,
    Categorical,
    ContinuousBernoulli,
    Distribution,
    Independent,
    Normal,
)


class Head(Protocol):
    """How many numbers it needs for x of so many dimensions, and what it makes of them."""

    def width(self, dimensions: int) -> int: ...

    def __call__(self, outputs: Float[Tensor, "n w"]) -> Distribution: ...


class BernoulliHead:
    """Pixels are on or off: outputs are logits. From logits, so that probabilities of 0 and 1 are never rounded to."""

    def width(self, dimensions: int) -> int:
        return dimensions

    def __call__(self, outputs: Float[Tensor, "n d"]) -> Distribution:
        return Independent(Bernoulli(logits=outputs, validate_args=False), 1, validate_args=False)


class ContinuousBernoulliHead:
    """Grey levels between 0 and 1: the density in proportion to λ^x (1 − λ)^(1 − x), with the constant that makes it one.

    Whoever uses a Bernoulli likelihood on grey levels leaves that constant out (Loaiza-Ganem & Cunningham, 2019).
    """

    def width(self, dimensions: int) -> int:
        return dimensions

    def __call__(self, outputs: Float[Tensor, "n d"]) -> Distribution:
        return Independent(ContinuousBernoulli(logits=outputs, validate_args=False), 1, validate_args=False)


class GaussianHead(nn.Module):
    """Real values around a mean.

    sigma      a number: fixed for all. With σ → 0 the likelihood of a perfect reconstruction grows without bound
    "each"     its own for every dimension of every x, from the decoder
    "shared"   one number, learned with the rest
    "optimal"  the one that is best for the batch at hand: σ² is the mean squared error (Rybkin et al., 2021)

    Standard deviations are kept above `least`, which is what keeps the likelihood finite.
    """

    def __init__(self, sigma: float | str = "shared", least: float = 1e-3) -> None:
        super().__init__()
        if isinstance(sigma, str) and sigma not in ("each", "shared", "optimal"):
            raise ValueError(f"sigma={sigma!r}; expected a number, 'each', 'shared' or 'optimal'")
        if isinstance(sigma, float | int) and sigma <= 0:
            raise ValueError(f"sigma={sigma:g}; expected a positive number")
        self.sigma, self.least = sigma, least
        if sigma == "shared":
            self.log_sigma = nn.Parameter(torch.zeros(()))

    def width(self, dimensions: int) -> int:
        return 2 * dimensions if self.sigma == "each" else dimensions

    def forward(self, outputs: Float[Tensor, "n w"]) -> Distribution:
        if self.sigma == "optimal":
            return OptimalGaussian(outputs, self.least)
        if self.sigma == "each":
            mean, log_sigma = outputs.chunk(2, dim=-1)
            sigma = log_sigma.exp().clamp_min(self.least)
        else:
            mean = outputs
            fixed = self.sigma if isinstance(self.sigma, float | int) else 1.0
            sigma = self.log_sigma.exp().clamp_min(self.least) if self.sigma == "shared" else mean.new_tensor(fixed)
        return Independent(Normal(mean, sigma.expand_as(mean), validate_args=False), 1, validate_args=False)


class OptimalGaussian(Independent):
    """N(mean, σ²I) whose σ² is the mean squared error of what it is asked about, over all rows and dimensions."""

    def __init__(self, mean: Float[Tensor, "n d"], least: float) -> None:
        super().__init__(Normal(mean, torch.ones_like(mean), validate_args=False), 1, validate_args=False)
        self.least = least

    def log_prob(self, value: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
        """−d/2 log 2πσ² − ‖x − mean‖²/2σ²; its gradient goes through σ, too, where it is zero at the optimum."""
        squares = (value - self.mean).square()
        variance = squares.mean().clamp_min(self.least**2)
        return -0.5 * (squares.sum(-1) / variance + value.shape[-1] * (math.log(2 * math.pi) + variance.log()))


class CategoricalHead:
    """Each dimension one of so many levels, counted from 0: all of them have logits of their own."""

    def __init__(self, levels: int) -> None:
        self.levels = levels

    def width(self, dimensions: int) -> int:
        return dimensions * self.levels

    def __call__(self, outputs: Float[Tensor, "n w"]) -> Distribution:
        logits = outputs.unflatten(-1, (-1, self.levels))
        return Independent(Categorical(logits=logits, validate_args=False), 1, validate_args=False)


@dataclass(frozen=True)
class MixedHead:
    """Columns of different kinds side by side: a table with counts, measurements and yes or no."""

    parts: Sequence[tuple[int, Head]]
    """(how many columns, their head), from left to right."""

    def width(self, dimensions: int) -> int:
        columns = sum(count for count, _ in self.parts)
        if columns != dimensions:
            raise ValueError(f"the parts have {columns} columns together; expected {dimensions}")
        return sum(head.width(count) for count, head in self.parts)

    def __call__(self, outputs: Float[Tensor, "n w"]) -> Distribution:
        pieces = outputs.split([head.width(count) for count, head in self.parts], dim=-1)
        return SideBySide([(count, head(piece)) for (count, head), piece in zip(self.parts, pieces, strict=True)])


class SideBySide(Distribution):
    """Independent groups of columns, each with a distribution of its own."""

    arg_constraints: ClassVar[dict[str, Any]] = {}  # pyright: ignore[reportIncompatibleMethodOverride, reportAssignmentType]

    def __init__(self, parts: Sequence[tuple[int, Distribution]]) -> None:
        self.parts = parts
        columns = sum(count for count, _ in parts)
        super().__init__(parts[0][1].batch_shape, torch.Size([columns]), validate_args=False)

    def log_prob(self, value: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
        pieces = value.split([count for count, _ in self.parts], dim=-1)
        logs = [part.log_prob(piece) for (_, part), piece in zip(self.parts, pieces, strict=True)]
        return torch.stack(logs).sum(0)

    def sample(self, sample_shape: torch.Size = torch.Size()) -> Tensor:  # noqa: B008 (torch's own signature)
        return torch.cat([part.sample(sample_shape).float() for _, part in self.parts], dim=-1)

    @property
    def mean(self) -> Float[Tensor, "n d"]:
        """Of categories there is none: their most probable one stands in its place."""
        return torch.cat([middle(part) for _, part in self.parts], dim=-1)


def middle(distribution: Distribution) -> Float[Tensor, "n d"]:
    """The mean where there is one, else the mode: what is drawn as "the" image."""
    base = getattr(distribution, "base_dist", distribution)
    return base.mode.float() if isinstance(base, Categorical) else distribution.mean
