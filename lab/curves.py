"""The figure of any function of one number: a unit draws with it until it has figures of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.style import BLUE, GREY, INK, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@picture
def curve(
    function: Callable[[Tensor], Tensor], low: float = 0.0, high: float = 1.0, at: float = 0.5
) -> tuple[Figure, str]:
    """What a function returns for rows of one number each, from `low` to `high`, both included; the one at `at` is marked."""
    if not low <= at <= high or low == high:
        raise ValueError(f"expected low ≤ at ≤ high, and low < high; got {low=:g}, {at=:g}, {high=:g}")
    x = torch.linspace(low, high, 401, dtype=torch.float64)
    y = function(x.unsqueeze(-1)).detach().double().reshape(-1)
    here = float(function(torch.tensor([[at]], dtype=torch.float64)).reshape(-1)[0])
    figure, (ax,) = canvas(height=3.2)
    ax.plot(x, y, color=BLUE)
    ax.axvline(at, color=GREY, lw=1, ls=":")
    ax.plot(at, here, "o", color=INK, clip_on=False, zorder=5)
    name = getattr(function, "__name__", "the function")
    ax.set(xlim=(low, high), title=f"{name}({at:g}) = {here:.3f}")
    ends = f"from {float(y[0]):.3g} at {low:g} to {float(y[-1]):.3g} at {high:g}"
    return figure, f"{name} as a curve, {ends}, with {here:.3f} at {at:g} marked."
