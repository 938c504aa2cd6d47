"""The importance-weighted bound in the small model: exact averages, and single draws."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.elbo_figures.finite import belief, log_evidence
from lab.small_model import likelihood, prior
from lab.style import BLUE, INK, ORANGE, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Bound = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


@picture
def tightening(
    iwae_bound: Bound, q: Sequence[float] = (0.7, 0.2, 0.1), x: int = 1, largest: int = 7, seed: int = 0
) -> tuple[Figure, str]:
    """The expected bound for K = 1 … largest, over all draws that there are, and a cloud of single draws for each K."""
    if not 1 <= largest <= 8:
        raise ValueError(f"expected 1 ≤ largest ≤ 8 (there are 3^K draws to go through); got {largest}")
    guide, evidence = belief(q), log_evidence(x)
    generator = torch.Generator().manual_seed(seed)

    def bound(z: Tensor) -> Tensor:
        tables = (guide, prior(), likelihood()[:, x].log())
        return iwae_bound(z, *(table.expand(len(z), 3) for table in tables)).detach()

    figure, (ax,) = canvas(height=4.4)
    means, above = [], []
    for K in range(1, largest + 1):
        every = torch.tensor(list(itertools.product(range(3), repeat=K)))
        every = every[(guide[every] > 0).all(-1)]
        chance, value = guide[every].prod(-1), bound(every)
        means.append(float(chance @ value))
        above.append(float(chance[value > evidence + 1e-9].sum()))
        cloud = bound(torch.multinomial(guide, 90 * K, replacement=True, generator=generator).reshape(90, K))
        aside = 0.26 * (2 * torch.rand(90, generator=generator) - 1)
        ax.scatter(K + aside, cloud, s=9, color=BLUE, alpha=0.35, lw=0, label="single draws" if K == 1 else None)
    ax.axhline(evidence, color=INK, lw=1.3, ls="--", label=f"log p(x={x}) = {evidence:.3f}")
    ks = list(range(1, largest + 1))
    ax.plot(ks, means, "o-", color=ORANGE, ms=6, label="average over all draws")
    for K, share in zip(ks, above, strict=True):
        ax.annotate(
            f"{share:.0%}",
            (K, 1.0),
            (0, 2),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            color=BLUE,
        )
    ax.set(xlabel="K, the number of draws", ylabel="nats", xlim=(0.4, largest + 0.6), xticks=ks)
    ax.set_title("Share of draws above log p(x):", pad=20, color=BLUE, fontsize=10.5)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=3)
    return figure, (
        f"The average importance-weighted bound rises from {means[0]:.3f} nats at K = 1 to {means[-1]:.3f} at K = "
        f"{largest}, towards "
        f"log p(x) = {evidence:.3f}, and stays below it. Single draws scatter on both sides: {above[0]:.0%} of "
        "them lie above log p(x) at "
        f"K = 1, {above[-1]:.0%} at K = {largest}."
    )
