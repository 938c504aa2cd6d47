"""The figures of the further exercises draw from right answers, say what they show, and refuse settings that make no sense."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from lab import vae_figures as figures
from lab.data import load
from lab.data.images import Images
from lab.style import Picture
from lab.vae_figures.optional_model import VAE


def sample(decoder: nn.Module, z: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    means = decoder(z).sigmoid()
    return means, (u < means).to(means)


def interpolate(encoder: nn.Module, decoder: nn.Module, a: Tensor, b: Tensor, steps: int) -> Tensor:
    first, second = encoder(a)[0], encoder(b)[0]
    return torch.stack(
        [decoder(torch.lerp(first, second, t)).sigmoid() for t in torch.linspace(0, 1, steps).tolist()], 1
    )


def active_units(mu: Tensor, threshold: Tensor) -> Tensor:
    return mu.var(0) > threshold


def warm_up(explained: Tensor, kl: Tensor, step: int, steps: int) -> tuple[Tensor, Tensor]:
    return explained - min(1, step / steps) * kl, explained - kl


def gaussian_decoder(mean: Tensor, x: Tensor, smallest: Tensor) -> tuple[Tensor, Tensor]:
    squares = (x - mean).square()
    variance = squares.mean().clamp_min(smallest)
    return variance, -0.5 * (squares / variance + (2 * math.pi * variance).log()).sum(-1)


def mean_only_encoder(encoder: nn.Module, decoder: nn.Module, x: Tensor, eps: Tensor, sigma: Tensor) -> Tensor:
    mean = encoder(x)
    logits = decoder(mean + sigma * eps)
    explained = (x * logits - nn.functional.softplus(logits)).sum(-1)
    return explained - 0.5 * (mean.square() + sigma**2 - 1 - 2 * sigma.log()).sum(-1)


def decoder_alone(z: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    design = torch.cat([z, torch.ones_like(z[:, :1])], 1)
    solution = torch.linalg.lstsq(design, x).solution
    return solution[:-1].T, solution[-1], (design @ solution - x).square().mean()


@pytest.fixture(scope="module")
def images() -> Images:
    return load("digits", "threshold", say=lambda sentence: None)


@pytest.fixture(scope="module")
def vae(images: Images) -> VAE:
    return figures.small_vae(images, latents=3, hidden=10, epochs=1)


def test_a_small_vae_has_an_encoder_and_a_decoder(vae: VAE, images: Images) -> None:
    x = images.test.images()[:4]
    mu, log_var = vae.encoder(x)
    assert mu.shape == log_var.shape == (4, 3)
    assert vae.decoder(mu).shape == x.shape


def test_draws_and_walks_are_drawn(vae: VAE, images: Images) -> None:
    x = images.test.images()
    drawn = figures.draws(sample, vae.encoder, vae.decoder, x, columns=5)
    assert "5 images in each of 5 rows: x, posterior: means" in drawn.alt
    walk = figures.walks(interpolate, vae.encoder, vae.decoder, x[:2], x[2:4], steps=7)
    assert "7 images in each of 4 rows: great circle 1, straight 1" in walk.alt


def test_a_collapse_is_drawn_for_every_warm_up(images: Images) -> None:
    drawn = figures.collapse(warm_up, active_units, images, steps=(1, 20), latents=4, hidden=10, epochs=1)
    assert isinstance(drawn, Picture)
    assert "no warm-up: " in drawn.alt
    assert "20 steps of warm-up: " in drawn.alt


def test_the_density_runs_away_to_the_floor() -> None:
    drawn = figures.runaway(gaussian_decoder)
    assert "149 nats at 0.200 where pixels are off by 0.2" in drawn.alt
    assert "1948 nats at 0.032 where pixels are off by 0.01." in drawn.alt


def test_every_fixed_deviation_has_its_bound(images: Images) -> None:
    drawn = figures.mean_only_table(mean_only_encoder, images, sigmas=(0.2, 1.0), latents=2, hidden=8, epochs=1)
    assert "nats at 0.2, -" in drawn.alt
    assert "nats at 1." in drawn.alt


def test_the_line_goes_through_the_pairs() -> None:
    drawn = figures.pairs_and_line(decoder_alone, sigma=0.0)
    assert "the line has the slope 1.50, the offset 1.00 and σ = 0.00." in drawn.alt


def test_settings_that_make_no_sense_are_refused_in_words(vae: VAE, images: Images) -> None:
    x = images.test.images()[:4]
    refused = [
        lambda: figures.small_vae(images, latents=0),
        lambda: figures.draws(sample, vae.encoder, vae.decoder, x, columns=5),
        lambda: figures.draws(sample, vae.encoder, vae.decoder, x, columns=0),
        lambda: figures.walks(interpolate, vae.encoder, vae.decoder, x, x, steps=1),
        lambda: figures.walks(interpolate, vae.encoder, vae.decoder, x, x[:2]),
        lambda: figures.collapse(warm_up, active_units, images, steps=()),
        lambda: figures.collapse(warm_up, active_units, images, steps=(0,)),
        lambda: figures.runaway(gaussian_decoder, errors=(0.0,)),
        lambda: figures.runaway(gaussian_decoder, smallest=0.0),
        lambda: figures.mean_only_table(mean_only_encoder, images, sigmas=()),
        lambda: figures.mean_only_table(mean_only_encoder, images, sigmas=(-1.0,)),
        lambda: figures.pairs_and_line(decoder_alone, sigma=-1.0),
        lambda: figures.pairs_and_line(decoder_alone, count=2),
    ]
    for ask in refused:
        with pytest.raises(ValueError, match=r"expected .* got"):
            ask()
