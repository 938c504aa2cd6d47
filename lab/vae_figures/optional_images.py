"""Images that a decoder makes: means and draws, from the prior and from posteriors, and along the way between two codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lab.figures.images import strip
from lab.style import picture
from lab.vae_figures.optional_model import ready, thresholded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Sample = Callable[[nn.Module, Tensor, Tensor], tuple[Tensor, Tensor]]
Walk = Callable[[nn.Module, nn.Module, Tensor, Tensor, int], Tensor]


@picture
def draws(
    sample: Sample, encoder: nn.Module | None = None, decoder: nn.Module | None = None, x: Tensor | None = None,
    columns: int = 12, seed: int = 0,
) -> tuple[Figure, str]:  # fmt: skip
    """Images, then means and draws of p(x | z) for a z from each one's posterior, then the same for z from the prior.

    Networks and images are those of `ready` unless others are given.
    """
    encoder, decoder = encoder or ready().encoder, decoder or ready().decoder
    x = thresholded().test.images() if x is None else x
    if not 1 <= columns <= len(x):
        raise ValueError(f"expected 1 to {len(x)} columns, one an image; got {columns}")
    generator = torch.Generator().manual_seed(seed)
    x = x[:columns]
    with torch.no_grad():
        mu, log_var = encoder(x)
        eps, z = torch.randn(2, *mu.shape, generator=generator)
        codes = {"posterior": torch.addcmul(mu, (log_var / 2).exp(), eps), "prior": z}
        rows = {"x": x}
        for name, places in codes.items():
            means, images = sample(decoder, places, torch.rand(x.shape, generator=generator))
            rows |= {f"{name}: means": means, f"{name}: a draw": images}
    return strip(rows)


@picture
def walks(
    interpolate: Walk, encoder: nn.Module | None = None, decoder: nn.Module | None = None, a: Tensor | None = None,
    b: Tensor | None = None, steps: int = 11,
) -> tuple[Figure, str]:  # fmt: skip
    """For each pair the walk on the great circle, and under it the one along the straight line of week 6.

    Networks and images are those of `ready` unless others are given.
    """
    encoder, decoder = encoder or ready().encoder, decoder or ready().decoder
    digits = thresholded().test.images()
    a, b = digits[[3, 11]] if a is None else a, digits[[20, 34]] if b is None else b
    if steps < 2 or len(a) != len(b) or not len(a):
        raise ValueError(f"expected at least two steps and as many ends as starts; got {steps}, {len(a)} and {len(b)}")
    rows: dict[str, Tensor] = {}
    with torch.no_grad():
        round_about = interpolate(encoder, decoder, a, b, steps)
        t = torch.linspace(0, 1, steps)[:, None]
        for pair, (first, last) in enumerate(zip(encoder(a)[0], encoder(b)[0], strict=True), start=1):
            straight = torch.lerp(first.expand(steps, -1), last.expand(steps, -1), t.expand(-1, len(first)))
            rows |= {f"great circle {pair}": round_about[pair - 1], f"straight {pair}": decoder(straight).sigmoid()}
    return strip(rows)
