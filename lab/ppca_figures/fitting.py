"""Maximum likelihood, in one step and step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.ppca_figures.marginal import line
from lab.ppca_figures.model import draws, two_dimensional
from lab.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, P, Q, beside, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LogMarginal = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
Fit = Callable[[Tensor, int], tuple[Tensor, Tensor, Tensor]]
Step = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


@picture
def spectrum(maximum_likelihood: Fit, q: int = 3, seed: int = 0) -> tuple[Figure, str]:
    """The eigenvalues of twelve-dimensional data that three hidden numbers made, and those of the model that was fitted."""
    D = 12
    if not 1 <= q < D:
        raise ValueError(f"expected 1 ≤ q < {D}; got {q}")
    generator = torch.Generator().manual_seed(1)
    basis = torch.linalg.qr(torch.randn(D, 3, generator=generator, dtype=torch.float64))[0]
    W = basis * torch.tensor([3.0, 2.2, 1.6], dtype=torch.float64)
    _, X = draws(150, W, torch.zeros(D, dtype=torch.float64), torch.tensor(0.6, dtype=torch.float64), seed)
    fit_W, _, fit_sigma2 = maximum_likelihood(X, q)
    data = torch.linalg.eigvalsh((X - X.mean(0)).mT @ (X - X.mean(0)) / len(X)).flip(0)
    model = torch.linalg.eigvalsh((fit_W @ fit_W.mT + fit_sigma2 * torch.eye(D, dtype=torch.float64)).detach()).flip(0)
    figure, (ax,) = canvas(height=3.5)
    places = torch.arange(1, D + 1)
    ax.bar(places.numpy(), data.numpy(), 0.62, color=P, alpha=0.75, label="data")
    ax.plot(places, model, "o-", color=Q, ms=6, lw=1.2, label="your model, $WW^\\top + \\sigma^2 I$")
    ax.axhline(float(fit_sigma2), color=GREY, lw=1, ls=":")
    beside(ax, f"σ² = {float(fit_sigma2):.3f}", (D + 0.55, float(fit_sigma2)), (0, 5), ha="right")
    ax.set(xticks=places.numpy(), xlabel="eigenvalue, the largest first", ylabel="variance", xlim=(0.4, D + 0.6))
    ax.set_title(f"Eigenvalues of the covariance, q = {q}")
    ax.legend(loc="upper right")
    largest = ", ".join(f"{float(value):.1f}" for value in data[:3])
    return figure, (
        f"Bars: the twelve eigenvalues of the data's covariance, {largest} and then around 0.6. Line: those of the fitted model, "
        f"equal to the data's for the first {q}, then {float(fit_sigma2):.3f} each."
    )


@picture
def climb(
    em_step: Step,
    log_marginal: LogMarginal,
    maximum_likelihood: Fit,
    steps: int = 40,
    sigma2: float = 0.3,
    seed: int = 0,
) -> tuple[Figure, str]:
    """The mean log-likelihood after each step of EM from three starting points, and the line b + Wz on its way."""
    if steps < 1:
        raise ValueError(f"expected steps ≥ 1; got {steps}")
    _, X = draws(200, *two_dimensional((1.5, 1.0), (0.5, 0.0), sigma2), seed)
    W_best, b, sigma2_best = maximum_likelihood(X, 1)
    W_best, b, sigma2_best = W_best.detach(), b.detach(), sigma2_best.detach()
    best = float(log_marginal(X, W_best, b, sigma2_best).mean())
    starts = (((0.3, -0.9), 4.0, BLUE), ((0.1, 0.05), 1.0, GREEN), ((-2.0, 3.0), 0.05, PURPLE))
    figure, (left, right) = canvas(2, height=4.0, widths=[1.25, 1])
    path, lowest = [], best
    for start, noise, colour in starts:
        W, variance = torch.tensor(start, dtype=torch.float64).unsqueeze(1), torch.tensor(noise, dtype=torch.float64)
        values = []
        for step in range(steps + 1):
            values.append(float(log_marginal(X, W, b, variance).mean()))
            if colour == BLUE:
                path.append(W)
            if step < steps:
                W, variance = (value.detach() for value in em_step(X, W, b, variance))
        left.plot(
            range(steps + 1), values, color=colour, marker="o", ms=3, lw=1.2, label=f"from W = {start}, σ² = {noise:g}"
        )
        lowest = min(lowest, values[1])
    left.axhline(best, color=INK, lw=1.2, ls="--", label="the maximum, from exercise 5")
    room = max(best - lowest, 0.05)
    left.set(xlabel="steps", ylabel="nats per point", ylim=(best - 1.35 * room, best + 0.12 * room))
    left.set_title("Mean log-likelihood")
    left.legend(loc="lower right")
    right.plot(X[:, 0], X[:, 1], "o", ms=3, color=P, alpha=0.35, mew=0)
    shown = sorted({min(step, steps) for step in (0, 1, 2, 4, 8, 16, steps)})
    for place, step in enumerate(shown):
        ends = b + torch.tensor([[-4.0], [4.0]], dtype=torch.float64) @ path[step].mT / path[step].norm() * 1.8
        fraction = (place + 1) / len(shown)
        right.plot(ends[:, 0], ends[:, 1], color=ORANGE, lw=0.8 + 1.4 * fraction, alpha=0.15 + 0.85 * fraction)
    line(right, W_best / W_best.norm() * 1.8, b)
    reach = 1.1 * float((X - b).abs().max())
    centre = b.tolist()
    right.set(
        aspect="equal", xlabel="$x_1$", ylabel="$x_2$", xlim=(centre[0] - reach, centre[0] + reach),
        ylim=(centre[1] - reach, centre[1] + reach), title=f"b + Wz after {', '.join(map(str, shown))} steps",
    )  # fmt: skip
    return figure, (
        f"Left: the mean log-likelihood after 0 to {steps} steps of EM from three starting points; all curves rise and end at "
        f"the maximum, {best:.3f} nats. Right: the data with the line b + Wz of the first run, which turns step by step into the "
        "long axis of the cloud."
    )
