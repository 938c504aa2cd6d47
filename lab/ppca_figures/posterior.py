"""What x says about z."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.ppca_figures.marginal import line
from lab.ppca_figures.model import draws, two_dimensional
from lab.small_model import posterior as small_posterior
from lab.small_model import prior as small_prior
from lab.style import GREEN, GREY, INK, P, Q, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Posterior = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


@picture
def sums_and_integrals(
    posterior: Posterior, x: tuple[float, float] = (2.0, 1.0), sigma2: float = 1.0, W: tuple[float, float] = (2.0, 1.0)
) -> tuple[Figure, str]:
    """Bayes twice: the small model before and after x = 1, and p(z), p(z|x) of the model with one latent dimension."""
    if not any(W):
        raise ValueError(f"expected a W other than zero: without a line there is nothing to project onto; got {W}")
    matrix, offset, variance = two_dimensional(W, (0.0, 0.0), sigma2)
    mean, cov = posterior(torch.tensor([x], dtype=torch.float64), matrix, offset, variance)
    m, s = float(mean[0, 0]), float(cov[0, 0].clamp_min(1e-12).sqrt())
    figure, (left, right) = canvas(2, height=3.5)
    places = torch.arange(3).numpy()
    before, after = small_prior(), small_posterior(1)
    left.bar(places - 0.2, before.numpy(), 0.38, color=GREY, label="before, $p(z)$")
    left.bar(places + 0.2, after.numpy(), 0.38, color=Q, label="after, $p(z\\,|\\,x = 1)$")
    left.set(
        xticks=places,
        xlabel="z",
        ylabel="probability",
        ylim=(0, 0.72),
        title="Sums: the mean of z moves from 0.67 to 1.00",
    )
    left.legend(loc="upper right", handlelength=1)
    z = torch.linspace(min(-3.5, m - 4 * s), max(3.5, m + 4 * s), 801, dtype=torch.float64)
    for centre, width, colour, label in ((0.0, 1.0, GREY, "before, $p(z)$"), (m, s, Q, "after, $p(z\\,|\\,x)$")):
        density = (-(((z - centre) / width) ** 2) / 2).exp() / (width * math.sqrt(2 * math.pi))
        right.plot(z, density, color=colour, label=label)
        right.fill_between(z, 0, density, color=colour, alpha=0.15, lw=0)
    direction = matrix[:, 0]
    point = torch.tensor(x, dtype=torch.float64)
    nearest = float(direction @ point / (direction @ direction))
    right.axvline(nearest, color=GREEN, lw=1.4, ls="--", label=f"the projection, {nearest:.2f}")
    top = 1.55 * max(0.4, 1 / (s * math.sqrt(2 * math.pi)))
    right.set(xlabel="z", ylabel="density", ylim=(0, top), title=f"Integrals: from 0 to {m:.2f}, ±{s:.2f}")
    right.legend(loc="upper left", handlelength=1.4)
    return figure, (
        "Left: bars of p(z) and of p(z|x=1) in the small model, whose means are 0.67 and 1.00. Right: the standard normal prior, "
        f"and the posterior after x = {x}, narrower, with the mean {m:.2f} and the standard deviation {s:.2f}; the projection, "
        f"{nearest:.2f}, is marked."
    )


@picture
def shrinkage(
    posterior: Posterior, sigma2: float = 1.0, W: tuple[float, float] = (1.6, 0.8), seed: int = 0
) -> tuple[Figure, str]:
    """Data, their projections onto the line, and where their posterior means lie; on the right by how much they are pulled."""
    if not any(W):
        raise ValueError(f"expected a W other than zero: without a line there is nothing to project onto; got {W}")
    matrix, offset, variance = two_dimensional(W, (0.0, 0.0), sigma2)
    truth, x = draws(25, matrix, offset, variance, seed)
    mean, _ = posterior(x, matrix, offset, variance)
    direction = matrix[:, 0]
    nearest = x @ direction / (direction @ direction)
    on_line, shrunken = nearest.unsqueeze(1) * direction, mean.detach() @ matrix.mT
    figure, (left, right) = canvas(2, height=4.2, widths=[1.25, 1])
    line(left, matrix, offset, "b + Wz")
    for point, foot in zip(x, on_line, strict=True):
        left.plot([point[0], foot[0]], [point[1], foot[1]], color=GREY, lw=0.7)
    left.plot(x[:, 0], x[:, 1], "o", ms=5, color=P, label="x")
    left.plot(on_line[:, 0], on_line[:, 1], "s", ms=5, mfc="white", mec=GREEN, label="projection")
    left.plot(shrunken[:, 0], shrunken[:, 1], "o", ms=5, color=Q, label="W·(posterior mean)")
    left.plot(0, 0, "+", color=INK, ms=12, mew=1.5, label="b")
    reach = 1.12 * float(torch.cat([x, on_line]).abs().max())
    left.set(aspect="equal", xlabel="$x_1$", ylabel="$x_2$", xlim=(-reach, reach), ylim=(-reach, reach))
    left.set_title("Squares: nearest points. Dots: posterior means")
    left.legend(loc="upper left", fontsize=9, handlelength=1.2)
    limit = 1.15 * float(torch.cat([nearest, mean[:, 0].detach(), truth[:, 0]]).abs().max())
    right.plot([-limit, limit], [-limit, limit], color=GREY, lw=1, ls=":", label="no error")
    right.plot(truth[:, 0], nearest, "s", ms=5, mfc="white", mec=GREEN)
    right.plot(truth[:, 0], mean[:, 0].detach(), "o", ms=5, color=Q)
    right.set(
        aspect="equal", xlabel="the z that made x", ylabel="guess of z", xlim=(-limit, limit), ylim=(-limit, limit)
    )
    error_p = float((nearest - truth[:, 0]).square().mean())
    error_m = float((mean[:, 0].detach() - truth[:, 0]).square().mean())
    right.set_title(f"mean squared error: {error_p:.2f} □, {error_m:.2f} ●")
    factor = float(mean[:, 0].detach() @ nearest / (nearest @ nearest))
    return figure, (
        f"Left: 25 points x, the nearest points on the line b + Wz, and the posterior means on it, which lie nearer to b, at "
        f"{factor:.2f} of the distance. Right: both guesses against the true z; the projections' mean squared error is "
        f"{error_p:.2f}, that of the posterior means {error_m:.2f}."
    )
