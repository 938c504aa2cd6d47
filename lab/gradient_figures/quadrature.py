"""Expectations without chance, for figures that print a variance to all digits."""

from __future__ import annotations

import numpy
import torch
from jaxtyping import Float
from torch import Tensor


def normal_nodes(count: int = 16) -> tuple[Float[Tensor, "count"], Float[Tensor, "count"]]:
    """Nodes and weights of Gauss–Hermite quadrature: Σ w·g(ε) = E[g(ε)], ε ~ N(0, 1), for polynomials below degree 2·count."""
    nodes, weights = numpy.polynomial.hermite_e.hermegauss(count)
    return torch.tensor(nodes), torch.tensor(weights / weights.sum())


def mean_and_variance(
    values: Float[Tensor, "count"], weights: Float[Tensor, "count"]
) -> tuple[float, float]:  # fmt: skip
    """The mean and the variance of values that come with these probabilities."""
    mean = (weights * values).sum()
    return float(mean), float((weights * (values - mean) ** 2).sum())
