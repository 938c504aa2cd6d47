"""What encoders pay over a whole data set, in two parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.small_model import likelihood, posterior, prior
from lab.style import BLUE, INK, ORANGE, beside, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Parts = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


@picture
def four_encoders(aggregate_posterior_decomposition: Parts) -> tuple[Figure, str]:
    """Four encoders for the small model's two observations: how much their bits tell, and how far off the prior they are on
    the whole."""
    exact = torch.stack([posterior(0), posterior(1)])
    sure = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    collapsed = prior().expand(2, 3)
    stuck = torch.tensor([[0.1, 0.1, 0.8]] * 2, dtype=torch.float64)
    p_data = prior() @ likelihood()
    encoders = [
        ("the posterior", exact), ("ignores x,\nq = p(z)", collapsed),
        ("ignores x,\nlikes z = 2", stuck), ("x = 0: z = 0,\nx = 1: z = 2", sure),
    ]  # fmt: skip
    figure, (ax,) = canvas(height=3.6)
    told = []
    for place, (name, q) in enumerate(encoders):
        average_kl, information, aggregate_kl = (
            round(float(part), 9) + 0.0
            for part in aggregate_posterior_decomposition(q, p_data, prior())  # no −0.000
        )
        ax.bar(place, information, 0.5, color=BLUE, label="mutual information I(x; z)" if place == 0 else None)
        ax.bar(
            place,
            aggregate_kl,
            0.5,
            bottom=information,
            color=ORANGE,
            label="aggregate KL[q(z)‖p(z)]" if place == 0 else None,
        )
        beside(ax, f"{average_kl:.3f}", (place, information + aggregate_kl), (0, 4), ha="center", color=INK)
        told.append(f"{' '.join(name.split())}: {information:.3f} + {aggregate_kl:.3f} = {average_kl:.3f}.")
    ax.set_xticks(range(len(encoders)), [name for name, _ in encoders])
    ax.set(
        ylabel="nats", ylim=(0, ax.get_ylim()[1] * 1.12), title="The average KL (the number on top) and its two parts"
    )
    ax.legend(loc="upper left")
    return figure, "Stacked bars for four encoders, mutual information plus aggregate KL. " + " ".join(told)
