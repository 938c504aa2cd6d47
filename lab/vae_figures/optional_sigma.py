"""Gaussian pixels: the likelihood that runs away as σ shrinks; an encoder with a fixed σ; a line with a width."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lab.data.images import Images
from lab.fit import fit, made, mean_bound
from lab.style import BLUE, GREEN, GREY, INK, ORANGE, SKY, beside, canvas, picture
from lab.vae_figures.optional_model import VAE, thresholded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Gaussian = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
MeanOnly = Callable[[nn.Module, nn.Module, Tensor, Tensor, Tensor], Tensor]
Line = Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


@picture
def runaway(
    gaussian_decoder: Gaussian, errors: Sequence[float] = (0.2, 0.05, 0.01), smallest: float = 1e-3, pixels: int = 784
) -> tuple[Figure, str]:
    """Log-likelihood of an image whose pixels are off by so much on average, as σ moves; the σ that the answer finds."""
    if min(errors) <= 0 or smallest <= 0 or not 1 <= len(errors) <= 3:
        raise ValueError(
            f"expected one to three positive errors and a positive variance; got {errors} and {smallest:g}"
        )
    figure, (ax,) = canvas(height=3.9)
    sigma = torch.logspace(-3, 0.3, 200, dtype=torch.float64)
    found, peaks = [], []
    for error, colour in zip(errors, (BLUE, ORANGE, GREEN), strict=False):
        x = torch.full((1, pixels), 0.5, dtype=torch.float64)
        off = torch.where(torch.arange(pixels) % 2 == 0, error, -error).double()
        logs = -0.5 * pixels * (error**2 / sigma**2 + (2 * math.pi * sigma**2).log())
        ax.plot(sigma, logs, color=colour, label=f"pixels off by {error:g}")
        variance, log_likelihood = gaussian_decoder(x + off, x, torch.tensor(smallest, dtype=torch.float64))
        at, high = float(variance.sqrt()), float(log_likelihood[0])
        ax.plot(at, high, "o", color=colour, ms=8, mec=INK, zorder=5)
        found.append(at)
        peaks.append(high)
    ridge = -0.5 * pixels * (1 + (2 * math.pi * sigma**2).log())
    ax.plot(sigma, ridge, color=GREY, lw=1.2, ls=":", label="the best for each error")
    ax.axvline(math.sqrt(smallest), color=SKY, lw=1.4)
    beside(ax, "smallest σ", (math.sqrt(smallest), 4100), (-5, 0), color=INK, ha="right")
    ax.set(xscale="log", xlabel="σ", ylabel="log N(x; mean, σ²I), nats", ylim=(-2600, float(ridge.max()) * 1.08))
    ax.legend(loc="upper right")
    told = zip(errors, found, peaks, strict=True)
    alt = ", ".join(f"{log:.0f} nats at {at:.3f} where pixels are off by {error:g}" for error, at, log in told)
    return figure, f"Log-likelihood of an image by σ, with a peak that is higher the smaller the error: {alt}."


@picture
def mean_only_table(
    mean_only_encoder: MeanOnly, images: Images | None = None, sigmas: Sequence[float] = (0.1, 0.3, 1.0), *, latents: int = 10,
    hidden: int = 100, epochs: int = 25, rate: float = 5e-3, seed: int = 0,
) -> tuple[Figure, str]:  # fmt: skip
    """The bound on images that were not trained on, for a mean-only encoder at several σ."""
    if not sigmas or min(sigmas) <= 0:
        raise ValueError(f"expected standard deviations above 0; got {sigmas}")
    images = images or thresholded()
    pixels = next(images.train.batches(1, torch.Generator())).shape[1]
    bounds = []
    for value in sigmas:
        sigma = torch.tensor(value)

        def terms(
            model: nn.Module, x: Tensor, generator: torch.Generator, sigma: Tensor = sigma
        ) -> tuple[Tensor, Tensor]:
            assert isinstance(model, VAE)
            eps = torch.randn(len(x), latents, generator=generator)
            mean = nn.Sequential(model.encoder.body, model.encoder.mu)
            bound = mean_only_encoder(mean, model.decoder, x, eps, sigma)
            return bound, torch.zeros_like(bound)

        model = made(lambda: VAE(pixels, hidden, latents), seed)
        fit(model, terms, images.train, images.valid, epochs=epochs, rate=rate, seed=seed, quiet=True)
        bounds.append(mean_bound(model, terms, images.valid))
    figure, (ax,) = canvas(height=2.9)
    ax.plot(sigmas, bounds, "o-", color=BLUE)
    for value, bound in zip(sigmas, bounds, strict=True):
        beside(ax, f"{bound:.1f}".replace("-", "−"), (value, bound), (0, 9), ha="center")
    spread = max(bounds) - min(bounds) + 1
    ax.set(xscale="log", xlabel="σ, fixed", ylabel="bound, nats an image")
    ax.set(ylim=(min(bounds) - 0.2 * spread, max(bounds) + 0.3 * spread))
    ax.set_xticks(list(sigmas), [f"{value:g}" for value in sigmas])
    ax.minorticks_off()
    alt = ", ".join(f"{bound:.1f} nats at {value:g}" for value, bound in zip(sigmas, bounds, strict=True))
    return figure, f"The bound of a VAE whose encoder gives means alone, by its fixed standard deviation: {alt}."


@picture
def pairs_and_line(
    decoder_alone: Line, slope: float = 1.5, offset: float = 1.0, sigma: float = 0.6, mean: float = 1.0, count: int = 80,
    seed: int = 0,
) -> tuple[Figure, str]:  # fmt: skip
    """Pairs (z, x) of one dimension each, and the line with its width that makes them most probable."""
    if sigma < 0 or count < 3:
        raise ValueError(f"expected a deviation that is not negative and three pairs; got {sigma:g} and {count}")
    generator = torch.Generator().manual_seed(seed)
    z = mean + torch.randn(count, 1, generator=generator, dtype=torch.float64)
    x = offset + slope * z + sigma * torch.randn(count, 1, generator=generator, dtype=torch.float64)
    W, b, variance = (value.detach() for value in decoder_alone(z, x))
    ends = torch.tensor([float(z.min()) - 0.3, float(z.max()) + 0.3], dtype=torch.float64)
    line, width = float(W) * ends + float(b), 2 * float(variance) ** 0.5
    figure, (ax,) = canvas(height=3.6)
    ax.fill_between(ends, line - width, line + width, color=SKY, alpha=0.25, lw=0, label="± 2σ of p(x | z)")
    ax.scatter(z[:, 0], x[:, 0], s=16, color=GREY, label="given pairs")
    ax.plot(ends, line, color=BLUE, label="Wz + b")
    ax.set(xlabel="z", ylabel="x")
    ax.legend(loc="upper left")
    return figure, (
        f"{count} pairs made with the slope {slope:g}, the offset {offset:g} and σ = {sigma:g}; the line has the slope "
        f"{float(W):.2f}, the offset {float(b):.2f} and σ = {float(variance) ** 0.5:.2f}."
    )
