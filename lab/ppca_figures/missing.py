"""Filling in what is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.style import INK, PALE, P, Q, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MissingValues = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


@picture
def fill_in(
    missing_values: MissingValues, share: float = 0.25, sigma2: float = 0.01, seed: int = 0
) -> tuple[Figure, str]:
    """A curve of 60 points, made of three smooth ones, of which a share was observed; nothing was in the last third."""
    if not 0 < share <= 1 or sigma2 <= 0:
        raise ValueError(f"expected 0 < share ≤ 1 and sigma2 > 0, a variance; got {share=:g}, {sigma2=:g}")
    D = 60
    generator = torch.Generator().manual_seed(seed + 3)
    t = torch.linspace(0, 1, D, dtype=torch.float64)
    W = torch.stack([(3 * t).sin(), (7 * t + 1).cos() * 0.8, (13 * t).sin() * 0.6], 1)
    b, noise = 0.5 * t, torch.tensor(sigma2, dtype=torch.float64)
    z = torch.randn(3, generator=generator, dtype=torch.float64)
    x = W @ z + b + noise.sqrt() * torch.randn(D, generator=generator, dtype=torch.float64)
    observed = (torch.rand(D, generator=generator) < share) & (t < 0.66)
    given = torch.where(observed, x, torch.nan)
    mean, variance = (value.detach() for value in missing_values(given, observed.long(), W, b, noise))
    width = 2 * variance.clamp_min(0).sqrt()
    figure, (ax,) = canvas(height=3.6)
    ax.fill_between(t, mean - width, mean + width, color=Q, alpha=0.2, lw=0, label="two standard deviations")
    ax.plot(t, mean, color=Q, lw=1.5, label="mean, given what was observed")
    ax.plot(t[~observed], x[~observed], "o", ms=4, mfc="white", mec=INK, mew=0.8, label="missing: what was there")
    ax.plot(t[observed], x[observed], "o", ms=5, color=P, label="observed")
    ax.set(xlabel="place", xlim=(0, 1), title=f"{int(observed.sum())} of {D} entries observed, none beyond 0.66")
    ax.grid(color=PALE)
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    hit = float(((x - mean).abs() <= width)[~observed].double().mean())
    return figure, (
        f"A curve over 60 places, {int(observed.sum())} of them observed. The mean fills in the others, with a band of two "
        f"standard deviations that is wider where nothing was seen; {hit:.0%} of the missing entries lie inside."
    )
