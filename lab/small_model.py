"""The small model that recurs through the course: a hidden z ∈ {0, 1, 2}, a seen x ∈ {0, 1}, every quantity exact by hand.

p(z) = 1/2, 1/3, 1/6 and p(x = 1 | z) = 1/4, 1/2, 3/4. So p(x = 1) = 5/12, and p(z | x) is (9/14, 4/14, 1/14) after x = 0 and
(3/10, 4/10, 3/10) after x = 1.
"""

from __future__ import annotations

from fractions import Fraction

import torch
from jaxtyping import Float
from torch import Tensor

PRIOR = (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6))
ONE_GIVEN_Z = (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4))


def prior() -> Float[Tensor, "3"]:
    """p(z)."""
    return torch.tensor([float(value) for value in PRIOR], dtype=torch.float64)


def likelihood() -> Float[Tensor, "3 2"]:
    """p(x | z): one row for each z, one column for each x."""
    return torch.tensor([[float(1 - one), float(one)] for one in ONE_GIVEN_Z], dtype=torch.float64)


def posterior(x: int) -> Float[Tensor, "3"]:
    """p(z | x), by Bayes."""
    joint = prior() * likelihood()[:, x]
    return joint / joint.sum()
