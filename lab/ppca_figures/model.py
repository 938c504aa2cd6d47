"""Models and data that the figures share. σ² is a variance throughout."""

from __future__ import annotations

import torch
from torch import Tensor


def two_dimensional(W: tuple[float, float], b: tuple[float, float], sigma2: float) -> tuple[Tensor, Tensor, Tensor]:
    """(W, b, σ²) with one latent dimension and two visible ones, as tensors."""
    if sigma2 <= 0:
        raise ValueError(f"expected sigma2 > 0: it is a variance; got {sigma2}")
    return (
        torch.tensor(W, dtype=torch.float64).unsqueeze(1),
        torch.tensor(b, dtype=torch.float64),
        torch.tensor(sigma2, dtype=torch.float64),
    )


def draws(count: int, W: Tensor, b: Tensor, sigma2: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """(z, x) drawn from a model."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(count, W.shape[1], generator=generator, dtype=torch.float64)
    eps = torch.randn(count, W.shape[0], generator=generator, dtype=torch.float64)
    return z, z @ W.mT + b + sigma2.sqrt() * eps
