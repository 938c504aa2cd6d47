"""Derivations about Gaussians: densities that are normal, real variables, integrals, parameters with names.

    N(x, m, s2)              the normal density at x, with mean m and variance s2
    x, z, m, s2, w, pi       values of variables and of parameters
    integral(z, a)           over the whole line

A model gives every parameter a rational number. Every factor is normal with a mean that is linear in what is given, so every
marginal and conditional density is normal, too, and exactly known; integrals are sums over a fine grid, whose error for smooth
functions with Gaussian tails is far below what is compared.
"""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import torch
from torch import Tensor

from autograder.derivation.expression import (
    Add,
    Average,
    Density,
    Divergence,
    Entropy,
    Expression,
    Log,
    Multiply,
    Normal,
    Number,
    Power,
    Sum,
    Value,
    quotient,
    read,
)
from autograder.derivation.meaning import Meaningless, Setting, written

EDGE, STEP = 24.0, 1 / 16
"""The grid. Variances are between a tenth and ten, so a step is at most a fifth of a standard deviation: the error of a sum
in the place of an integral is then below exp(−2π²·25), and what lies beyond the edges is less than rounding."""
AGREE = 1e-9
"""Two values are equal that differ by less, relative to their size: rounding is a thousandth of it."""
MODELS = 5


@dataclass(frozen=True)
class GaussianSetting(Setting):
    """Which variables and parameters there are, and the mean and the variance of every factor."""

    normals: tuple[tuple[Density, str, str], ...] = ()
    """(factor, mean, variance), as a student would type them."""
    reals: tuple[str, ...] = ()
    """Parameters that may be any number."""
    positives: tuple[str, ...] = ()
    """Parameters that are positive: variances."""
    continuous = True

    def normal(self, density: Density) -> tuple[Expression, Expression] | None:
        """Mean and variance, of a factor."""
        for factor, mean, variance in self.normals:
            if factor == density:
                return read(mean), read(variance)
        return None

    def value_exists(self, name: str) -> None:
        known = (*self.sizes_of, *self.reals, *self.positives, "pi", "N")
        if name not in known:
            raise Meaningless(f"There is no `{name}` here, only {', '.join(known)}.")

    def places(self, variables: tuple[str, ...]) -> Iterator[dict[str, int]]:
        """A few values of these variables: where a line is about a function of them, it is tried there."""
        for shift in range(3):
            yield {name: (-1, 2, 0)[(place + shift) % 3] for place, name in enumerate(variables)}

    def models(self) -> Sequence[GaussianModel]:
        return gaussian_models(self)

    def log_of_normal(self, normal: Normal) -> Expression:
        """log N(x; m, v) = −½ log 2πv − (x − m)²/2v."""
        half = Number(Fraction(-1, 2))
        square = Power(Add((normal.at, Multiply((Number(Fraction(-1)), normal.mean)))), 2)
        two_pi_v = Multiply((Number(Fraction(2)), Value("pi"), normal.variance))
        return Add((Multiply((half, Log(two_pi_v))), Multiply((half, quotient(square, normal.variance)))))


@dataclass
class GaussianModel:
    """A number for every parameter."""

    setting: GaussianSetting
    numbers: dict[str, Fraction]
    _joints: dict[str, tuple[list[str], list[Fraction], list[list[Fraction]]]] = field(default_factory=dict, repr=False)

    def value(self, expression: Expression, at: Mapping[str, float | Tensor]) -> Tensor:
        """The value in float64; variables may be whole grids of numbers, that broadcast."""
        match expression:
            case Number(number):
                return torch.tensor(float(number), dtype=torch.float64)
            case Value("pi"):
                return torch.tensor(math.pi, dtype=torch.float64)
            case Value(name):
                value = at[name] if name in at else float(self.numbers[name])
                return torch.as_tensor(value, dtype=torch.float64)
            case Normal(place, mean, variance):
                return self.log_normal(place, mean, variance, at).exp()
            case Density():
                return self.log_density(expression, at).exp()
            case Add(terms):
                return functools.reduce(torch.add, (self.value(term, at) for term in terms))
            case Multiply(factors):
                return functools.reduce(torch.mul, (self.value(factor, at) for factor in factors))
            case Power(base, exponent):
                return self.value(base, at) ** exponent
            case Log(argument):
                return self.log(argument, at)
            case Average(under, body):
                return self.integral(under.heads, Multiply((under, body)), at)
            case Sum(variables, body, _):
                return self.integral(variables, body, at)
            case Divergence(of, from_):
                return self.value(Average(of, Log(quotient(of, from_))), at)
            case Entropy(of):
                return -self.value(Average(of, Log(of)), at)
        raise TypeError(f"no value for {expression!r}")

    def log(self, argument: Expression, at: Mapping[str, float | Tensor]) -> Tensor:
        """The logarithm, of factors one by one: densities far out are too small for a number, their logarithms are not."""
        match argument:
            case Multiply(factors):
                return functools.reduce(torch.add, (self.log(factor, at) for factor in factors))
            case Power(base, exponent):
                return exponent * self.log(base, at)
            case Density():
                return self.log_density(argument, at)
            case Normal(place, mean, variance):
                return self.log_normal(place, mean, variance, at)
        return self.value(argument, at).log()

    def log_normal(
        self, place: Expression, mean: Expression, variance: Expression, at: Mapping[str, float | Tensor]
    ) -> Tensor:
        x, m, v = (self.value(part, at) for part in (place, mean, variance))
        return -0.5 * (2 * math.pi * v).log() - (x - m) ** 2 / (2 * v)

    def integral(self, variables: tuple[str, ...], body: Expression, at: Mapping[str, float | Tensor]) -> Tensor:
        depth = max((value.dim() for value in at.values() if isinstance(value, Tensor)), default=0)
        grid = torch.arange(-EDGE, EDGE + STEP / 2, STEP, dtype=torch.float64)
        inner = dict(at)
        for place, name in enumerate(variables):
            inner[name] = grid.reshape(-1, *[1] * (depth + place))
        values = self.value(body, inner)
        for place in reversed(range(len(variables))):
            values = values.expand(*torch.broadcast_shapes(values.shape, (len(grid), *[1] * (depth + place)))).sum(
                0
            )  # the newest axis is the first
        return values * STEP ** len(variables)

    # ---- densities ---------------------------------------------------------------------------------------------------

    def log_density(self, density: Density, at: Mapping[str, float | Tensor]) -> Tensor:
        """log p(heads | given), by the mean and covariance of all variables together."""
        together = self._log_joint(density.name, (*density.heads, *density.given), at)
        return together - self._log_joint(density.name, density.given, at) if density.given else together

    def _log_joint(self, name: str, variables: tuple[str, ...], at: Mapping[str, float | Tensor]) -> Tensor:
        names, mean, covariance = self.joint(name)
        picked = [names.index(v) for v in variables]
        cov = torch.tensor([[float(covariance[i][j]) for j in picked] for i in picked], dtype=torch.float64)
        gaps = [
            torch.as_tensor(at[v], dtype=torch.float64) - float(mean[i]) for v, i in zip(variables, picked, strict=True)
        ]
        inverse = torch.linalg.inv(cov)
        square = sum(float(inverse[i, j]) * gaps[i] * gaps[j] for i in range(len(gaps)) for j in range(len(gaps)))
        return -0.5 * (torch.as_tensor(square) + torch.logdet(2 * math.pi * cov))

    def joint(self, name: str) -> tuple[list[str], list[Fraction], list[list[Fraction]]]:
        """(variables, mean, covariance) of p, or of q: factor by factor, each linear in those before it."""
        if name not in self._joints:
            names: list[str] = []
            mean: list[Fraction] = []
            covariance: list[list[Fraction]] = []
            for factor, mean_text, variance_text in self.setting.normals:
                if factor.name != name:
                    continue
                if len(factor.heads) != 1 or not set(factor.given) <= set(names):
                    raise ValueError(
                        f"{written(factor)} must have one variable before the bar, and known ones behind it"
                    )
                zero = dict.fromkeys(factor.given, 0.0)
                constant = self._exactly(self.value(read(mean_text), zero))
                slopes = [
                    self._exactly(self.value(read(mean_text), {**zero, v: 1.0})) - constant if v in factor.given else Fraction(0)
                    for v in names
                ]  # fmt: skip
                cross = [
                    sum((s * row[i] for s, row in zip(slopes, covariance, strict=True)), Fraction(0))
                    for i in range(len(names))
                ]
                own = sum((s * c for s, c in zip(slopes, cross, strict=True)), Fraction(0))
                own += self._exactly(self.value(read(variance_text), zero))
                mean.append(constant + dot(slopes, mean))
                covariance = [[*row, c] for row, c in zip(covariance, cross, strict=True)] + [[*cross, own]]
                names.append(factor.heads[0])
            self._joints[name] = names, mean, covariance
        return self._joints[name]

    @staticmethod
    def _exactly(value: Tensor) -> Fraction:
        return Fraction(float(value)).limit_denominator(10**6)

    def told(self, at: Mapping[str, object], names: frozenset[str] = frozenset()) -> str:
        """The model in a sentence: its numbers, and where we are."""
        del names
        return ", ".join(f"{name} = {value}" for name, value in {**self.numbers, **at}.items())

    def holds(self, a: Tensor, relation: str, b: Tensor) -> bool:
        slack = AGREE * (1 + abs(float(a)) + abs(float(b)))
        gap = float(a) - float(b)
        return math.isfinite(gap) and (
            abs(gap) <= slack if relation == "=" else gap >= -slack if relation == "≥" else gap <= slack
        )


def dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


@functools.lru_cache(maxsize=32)
def gaussian_models(setting: GaussianSetting) -> tuple[GaussianModel, ...]:
    """Models of a setting, always the same ones, with different numbers for different parameters."""
    rng = random.Random(3)
    found = []
    for _ in range(MODELS):
        reals = rng.sample([Fraction(n, 2) for n in (-4, -3, -1, 1, 3, 4)], len(setting.reals))
        positives = rng.sample([Fraction(n, 4) for n in (2, 3, 5, 6, 8, 10)], len(setting.positives))
        found.append(
            GaussianModel(setting, dict(zip((*setting.reals, *setting.positives), (*reals, *positives), strict=True)))
        )
    return tuple(found)
