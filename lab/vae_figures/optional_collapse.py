"""A training with and without a warm-up of the KL: what each latent dimension ends up saying."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.data.images import Images
from lab.fit import made, mean_bound
from lab.style import BLUE, GREY, PALE, beside, canvas, picture
from lab.vae_figures.optional_model import VAE, divergences, terms, thresholded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Schedule = Callable[[Tensor, Tensor, int, int], tuple[Tensor, Tensor]]
Active = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Trained:
    """What became of one training."""

    steps: int
    """Of the warm-up."""
    kl: Tensor
    """By latent dimension, averaged over images that were not trained on, in nats."""
    mu: Tensor
    bound: float
    """On images that were not trained on, nats an image."""


def trained_with(
    warm_up: Schedule, images: Images, steps: int, *, latents: int = 40, hidden: int = 200, epochs: int = 60,
    rate: float = 3e-3, seed: int = 0,
) -> Trained:  # fmt: skip
    """A VAE trained by climbing what `warm_up` says at every step."""
    if min(steps, latents, epochs) < 1:
        raise ValueError(f"expected at least one step, latent and epoch; got {steps}, {latents} and {epochs}")
    pixels = next(images.train.batches(1, torch.Generator())).shape[1]
    model = made(lambda: VAE(pixels, hidden, latents), seed)
    assert isinstance(model, VAE)
    optimiser = torch.optim.Adam(model.parameters(), lr=rate, fused=True)
    generator = torch.Generator().manual_seed(seed)
    step = 0
    for _ in range(epochs):
        for x in images.train.batches(128, generator):
            objective, _ = warm_up(*terms(model, x, generator), step, steps)
            optimiser.zero_grad()
            (-objective.mean()).backward()
            optimiser.step()
            step += 1
    with torch.no_grad():
        x = images.valid.images(generator=generator)
        mu, log_var = model.encoder(x)
        kl = divergences(mu, log_var).mean(0)
    return Trained(steps, kl, mu, mean_bound(model, terms, images.valid))


@picture
def collapse(
    warm_up: Schedule, active_units: Active, images: Images | None = None, steps: Sequence[int] = (1, 600), *,
    threshold: float = 0.01, latents: int = 20, hidden: int = 100, epochs: int = 120, rate: float = 5e-3, seed: int = 0,
) -> tuple[Figure, str]:  # fmt: skip
    """KL by latent dimension, largest first, after trainings with different warm-ups; active units in colour."""
    if not 1 <= len(steps) <= 3:
        raise ValueError(f"expected one to three warm-ups to compare; got {len(steps)}")
    images = images or thresholded()
    settings = {"latents": latents, "hidden": hidden, "epochs": epochs, "rate": rate, "seed": seed}
    results = [trained_with(warm_up, images, count, **settings) for count in steps]  # pyright: ignore[reportArgumentType]
    figure, axes = canvas(len(results), height=3.4)
    top = 1.15 * max(float(result.kl.max()) for result in results)
    told = []
    for ax, result in zip(axes, results, strict=True):
        active = active_units(result.mu, torch.tensor(threshold)).bool()
        order = result.kl.argsort(descending=True)
        colours = [BLUE if bool(active[unit]) else PALE for unit in order]
        ax.bar(range(1, latents + 1), result.kl[order].tolist(), color=colours, edgecolor=GREY, lw=0.5)
        name = "no warm-up" if result.steps == 1 else f"{result.steps:,} steps of warm-up"
        line = f"{int(active.sum())} of {latents} active, KL {float(result.kl.sum()):.1f}, bound {result.bound:.1f}".replace(
            "-", "−"
        )
        ax.set_xticks([1, *range(5, latents + 1, 5)])
        ax.set(title=name, xlabel="latent dimension, largest KL first", ylim=(0, top))
        beside(ax, line, (latents, 0.9 * top), ha="right")
        told.append(f"{name}: {line}")
    axes[0].set_ylabel("KL, nats an image")
    return figure, f"Bars of the KL by latent dimension after each training. {'; '.join(told)} nats."
