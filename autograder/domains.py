"""Where a law's inputs come from.

One declaration gives three things: a vectorised sampler (thousands of rows in one call), the corner cases of the domain
(its boundary, zeros, ones, huge, tiny), and, around a row on which a law broke, a Hypothesis strategy whose every entry is
that row's own value or a simpler one, so that the row itself is always reachable.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from hypothesis import strategies as st
from torch import Tensor

KEPT_WEIGHT = 3
"""A row of N entries keeps each with odds KEPT_WEIGHT·N : (simpler values), so that Hypothesis soon draws the row itself."""


@dataclass(frozen=True)
class Domain:
    """Base of all domains. `shape` names the axes of an input that is not in the exercise's signature."""

    shape: str | None = None

    def sample(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Random values in float64; the first axis is the rows."""
        raise NotImplementedError

    def corners(self, shape: Sequence[int]) -> list[Tensor]:
        """The corner cases of one row."""
        raise NotImplementedError

    def simpler(self, value: float) -> list[float]:
        """Values to try in the place of an entry, simplest first."""
        del value
        return []

    def around(self, row: Tensor, entries: int) -> st.SearchStrategy[Tensor]:
        """Rows in which every entry is this row's own or a simpler one; `entries` is how many a whole example has."""
        flat = row.detach().cpu().double().flatten().tolist()
        choices = [st.sampled_from(weighted(self.simpler(value), value, entries)) for value in flat]
        return st.tuples(*choices).map(
            lambda values: torch.tensor(values, dtype=torch.float64).reshape(row.shape).to(row.dtype)
        )


def weighted(simpler: Sequence[float], own: float, entries: int) -> list[float]:
    """Simplest first (Hypothesis shrinks towards the front), the entry's own value so often that most draws keep most."""
    fewer = [value for value in dict.fromkeys(simpler) if value != own]
    return fewer + [own] * (1 + KEPT_WEIGHT * entries * len(fewer))


def simple_numbers(value: float, low: float, high: float) -> list[float]:
    """0, ±1, 2, then the value itself with fewer and fewer digits cut away."""
    if not math.isfinite(value):
        return [0.0, 1.0]
    candidates = [0.0, 1.0, -1.0, 2.0, float(round(value)), float(f"{value:.1g}"), float(f"{value:.2g}")]
    return [candidate for candidate in candidates if low <= candidate <= high]


@dataclass(frozen=True)
class Reals(Domain):
    """Reals in [low, high]: half of them of order one, half all over the interval."""

    low: float = -10.0
    high: float = 10.0

    def __init__(self, low: float = -10.0, high: float = 10.0, shape: str | None = None) -> None:
        object.__setattr__(self, "low", float(low))
        object.__setattr__(self, "high", float(high))
        object.__setattr__(self, "shape", shape)

    def sample(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        wide = torch.rand(shape, generator=generator, dtype=torch.float64) * (self.high - self.low) + self.low
        near = torch.randn(shape, generator=generator, dtype=torch.float64).clamp(self.low, self.high)
        choose = torch.rand(shape[:1], generator=generator).reshape(-1, *[1] * (len(shape) - 1)) < 0.5
        return torch.where(choose, near, wide)

    def corners(self, shape: Sequence[int]) -> list[Tensor]:
        values = dict.fromkeys([0.0, 1.0, -1.0, 1e-8, self.low, self.high])
        return [
            torch.full(tuple(shape), value, dtype=torch.float64) for value in values if self.low <= value <= self.high
        ]

    def simpler(self, value: float) -> list[float]:
        return simple_numbers(value, self.low, self.high)


@dataclass(frozen=True)
class Positive(Domain):
    """Positive reals in [low, high], evenly spread over their logarithm."""

    low: float = 1e-3
    high: float = 1e3

    def __init__(self, low: float = 1e-3, high: float = 1e3, shape: str | None = None) -> None:
        object.__setattr__(self, "low", float(low))
        object.__setattr__(self, "high", float(high))
        object.__setattr__(self, "shape", shape)

    def sample(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        low, high = math.log(self.low), math.log(self.high)
        return (torch.rand(shape, generator=generator, dtype=torch.float64) * (high - low) + low).exp()

    def corners(self, shape: Sequence[int]) -> list[Tensor]:
        values = dict.fromkeys([1.0, self.low, self.high])
        return [
            torch.full(tuple(shape), value, dtype=torch.float64) for value in values if self.low <= value <= self.high
        ]

    def simpler(self, value: float) -> list[float]:
        return [number for number in simple_numbers(value, self.low, self.high) if number > 0]


@dataclass(frozen=True)
class Normals(Domain):
    """Standard normal draws: the noise of an estimator that takes it as an argument."""

    def __init__(self, shape: str | None = None) -> None:
        object.__setattr__(self, "shape", shape)

    def sample(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    def corners(self, shape: Sequence[int]) -> list[Tensor]:
        """None that all rows share: noise that is everywhere zero is a set of measure zero, and estimators may rely on it."""
        alternating = torch.ones(tuple(shape), dtype=torch.float64).flatten()
        alternating[1::2] = -1.0
        return [alternating.reshape(tuple(shape))]

    def simpler(self, value: float) -> list[float]:
        return simple_numbers(value, -math.inf, math.inf)


@dataclass(frozen=True)
class Integers(Domain):
    """Whole numbers from low to high, both included."""

    low: int = 0
    high: int = 10

    def __init__(self, low: int = 0, high: int = 10, shape: str | None = None) -> None:
        object.__setattr__(self, "low", int(low))
        object.__setattr__(self, "high", int(high))
        object.__setattr__(self, "shape", shape)

    def sample(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        return torch.randint(self.low, self.high + 1, tuple(shape), generator=generator)

    def corners(self, shape: Sequence[int]) -> list[Tensor]:
        values = dict.fromkeys([0, 1, self.low, self.high])
        return [torch.full(tuple(shape), value) for value in values if self.low <= value <= self.high]

    def simpler(self, value: float) -> list[float]:
        return [float(number) for number in (0, 1, -1) if self.low <= number <= self.high]


@dataclass(frozen=True)
class Simplex(Domain):
    """Probability vectors along the last axis, no entry below `smallest`; with `zeros`, some are exactly zero."""

    zeros: bool = False
    smallest: float = 1e-6

    def __init__(self, zeros: bool = False, smallest: float = 1e-6, shape: str | None = None) -> None:
        object.__setattr__(self, "zeros", zeros)
        object.__setattr__(self, "smallest", smallest)
        object.__setattr__(self, "shape", shape)

    def sample(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Dirichlet(1) rows and peaked ones in equal parts."""
        weights = -torch.rand(shape, generator=generator, dtype=torch.float64).clamp_min(1e-12).log()
        peaked = torch.rand(shape[:1], generator=generator).reshape(-1, *[1] * (len(shape) - 1)) < 0.5
        weights = torch.where(peaked, weights**3, weights)
        if self.zeros and shape[-1] > 1:
            drop = torch.rand(shape, generator=generator) < 0.25
            drop[..., 0] &= ~drop.all(-1)  # something must be left
            weights = torch.where(drop, torch.zeros_like(weights), weights)
        left = weights > 0
        weights = weights / weights.sum(-1, keepdim=True)
        return torch.where(left, weights + self.smallest * (1 - left.sum(-1, keepdim=True) * weights), weights)

    def corners(self, shape: Sequence[int]) -> list[Tensor]:
        k = shape[-1]
        uniform = torch.full(tuple(shape), 1.0 / k, dtype=torch.float64)
        tiny = torch.full(tuple(shape), self.smallest, dtype=torch.float64)
        tiny[..., -1] = 1 - (k - 1) * self.smallest
        corners = [uniform, tiny]
        if self.zeros:
            first = torch.zeros(tuple(shape), dtype=torch.float64)
            first[..., 0] = 1.0
            corners += [first, first.flip(-1)]
        return corners

    def around(self, row: Tensor, entries: int) -> st.SearchStrategy[Tensor]:
        """Vectors in small whole proportions (1 : 3), the row's own with few digits, or the row itself.

        A single entry cannot be exchanged: the others would change with it when the vector is normalised again.
        """
        k = row.shape[-1]
        proportions = st.lists(st.integers(0 if self.zeros else 1, 4), min_size=row.numel(), max_size=row.numel())
        how = st.sampled_from(["whole"] + ["rounded"] * 2 + ["own"] * (2 + KEPT_WEIGHT * (entries // k)))

        def build(choice: tuple[str, list[int]]) -> Tensor:
            if choice[0] == "own":
                return row
            own = row.detach().cpu().double()
            if choice[0] == "rounded":
                weights = own.mul(20).round()
            else:
                weights = torch.tensor(choice[1], dtype=torch.float64).reshape(own.shape)
            if not self.zeros:
                weights = weights.clamp_min(1)
            total = weights.sum(-1, keepdim=True)
            vectors = torch.where(total > 0, weights / total.clamp_min(1), torch.full_like(weights, 1 / k))
            return vectors.to(row.dtype)

        return st.tuples(how, proportions).map(build)


@dataclass(frozen=True)
class Covariances(Domain):
    """Symmetric positive-definite matrices in the last two axes, A = LLᵀ, with standard deviations in [low, high]."""

    low: float = 0.3
    high: float = 3.0

    def __init__(self, low: float = 0.3, high: float = 3.0, shape: str | None = None) -> None:
        object.__setattr__(self, "low", float(low))
        object.__setattr__(self, "high", float(high))
        object.__setattr__(self, "shape", shape)

    def sample(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Rows of a unit-diagonal triangular factor with normal entries, scaled: strongly and weakly correlated alike."""
        d = shape[-1]
        lower = torch.randn(shape, generator=generator, dtype=torch.float64).tril(-1) + torch.eye(
            d, dtype=torch.float64
        )
        lower = lower / lower.norm(dim=-1, keepdim=True)
        log_scale = torch.rand(shape[:-1], generator=generator, dtype=torch.float64)
        scale = (math.log(self.low) + log_scale * math.log(self.high / self.low)).exp()
        factor = scale.unsqueeze(-1) * lower
        return factor @ factor.mT

    def corners(self, shape: Sequence[int]) -> list[Tensor]:
        identity = torch.eye(shape[-1], dtype=torch.float64).expand(tuple(shape)).clone()
        return [identity, identity * self.low**2, identity * self.high**2]

    def around(self, row: Tensor, entries: int) -> st.SearchStrategy[Tensor]:
        """Entries of the Cholesky factor are exchanged, so that what comes out is a covariance still."""
        factor = torch.linalg.cholesky(row.detach().cpu().double())
        flat = factor.flatten().tolist()
        d = row.shape[-1]
        choices = []
        for place, value in enumerate(flat):
            i, j = divmod(place % (d * d), d)
            near = round(value, 1)
            simple = [x for x in (1.0, 2.0, near) if self.low <= x <= self.high] if i == j else [0.0, near]
            choices.append(st.sampled_from(weighted(simple, value, entries) if j <= i else [0.0]))

        def build(values: tuple[float, ...]) -> Tensor:
            if list(values) == flat:
                return row
            lower = torch.tensor(values, dtype=torch.float64).reshape(row.shape)
            return (lower @ lower.mT).to(row.dtype)

        return st.tuples(*choices).map(build)


@dataclass(frozen=True)
class Listed(Domain):
    """Given rows, one after the other: for pairs that a law names one by one. All listed inputs of a law have equal length."""

    values: tuple = ()

    def __init__(self, values: Sequence, shape: str | None = None) -> None:
        object.__setattr__(self, "values", tuple(values))
        object.__setattr__(self, "shape", shape)

    def tensor(self) -> Tensor:
        return torch.tensor(self.values, dtype=torch.float64)

    def sample(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        del shape, generator
        return self.tensor()

    def corners(self, shape: Sequence[int]) -> list[Tensor]:
        del shape
        return []
