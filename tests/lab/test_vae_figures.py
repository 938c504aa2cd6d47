"""The figures of the unit draw from right answers, describe what they show, and say what they wait for."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Normal, kl_divergence

from lab import vae_figures as figures
from lab.data import Images, load
from lab.fit import made
from lab.history import Epoch, History
from lab.style import Picture
from lab.waiting import Notice


def gaussian_kl_to_standard(mu: Tensor, log_var: Tensor) -> Tensor:
    prior = Normal(torch.zeros_like(mu), torch.ones_like(mu))
    return kl_divergence(Normal(mu, (log_var / 2).exp()), prior).sum(-1)


def bernoulli_log_likelihood(logits: Tensor, x: Tensor) -> Tensor:
    return Bernoulli(logits=logits).log_prob(x).sum(-1)


def elbo(encoder, decoder, log_likelihood, x: Tensor, eps: Tensor) -> Tensor:
    mu, log_var = encoder(x)
    return log_likelihood(decoder(mu + (log_var / 2).exp() * eps), x) - gaussian_kl_to_standard(mu, log_var)


def importance_log_likelihood(encoder, decoder, log_likelihood, x: Tensor, eps: Tensor) -> Tensor:
    mu, log_var = encoder(x)
    log_w = []
    for noise in eps.unbind(1):
        z = mu + (log_var / 2).exp() * noise
        log_w.append(log_likelihood(decoder(z), x) + (noise**2 + log_var - z**2).sum(-1) / 2)
    return torch.stack(log_w).logsumexp(0) - math.log(len(log_w))


class Encoder(nn.Module):
    def __init__(self, latents: int) -> None:
        super().__init__()
        self.out = nn.Linear(784, 2 * latents)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, log_var = self.out(x).chunk(2, -1)
        return mu, log_var


class VAE(nn.Module):
    def __init__(self, latents: int, epochs: int = 1) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(latents), nn.Linear(latents, 784)
        self.latents, self.history = latents, History()
        self.history.epochs += [Epoch(1, -500.0, -500.0, 1.0, 0.0)] * epochs


@pytest.fixture(scope="module")
def images() -> Images:
    return load("digits", "dynamic")


def model(latents: int = 2, epochs: int = 1) -> Any:
    return made(lambda: VAE(latents, epochs), seed=0)


DRAWN = {
    "machine": (figures.machine, (), {}, "the bound is the second less the first"),
    "price_of_a_code": (figures.price_of_a_code, (gaussian_kl_to_standard,), {}, "2.00 nats at μ = 2 and σ = 1, 1.81"),
    "price_of_a_pixel": (figures.price_of_a_pixel, (bernoulli_log_likelihood,), {}, "8.00 nats at logit −8"),
    "plane": (figures.plane, (), {"vae": model, "images": None}, "Posterior means of 1285 images of 10 classes"),
    "manifold": (figures.manifold, (), {"vae": model}, "16 by 16 images"),
    "reconstructions": (
        figures.reconstructions,
        (),
        {"vae": lambda: {"2 latents": model(), "5 latents": model(5)}, "images": None},
        "12 images in each of 3 rows: image, 2 latents, 5 latents",
    ),
    "samples": (figures.samples, (), {"vae": lambda: model(5)}, "z ~ p(z), 5 latents"),
    "tightening": (
        figures.tightening,
        (elbo, importance_log_likelihood, bernoulli_log_likelihood),
        {"vaes": lambda: {"2 latents": model(), "5 latents": model(5)}, "images": None},
        "256 test images. 2 latents: −ELBO",
    ),
}


def settings(given: dict, images: Images) -> dict:
    return {name: images if value is None else value() for name, value in given.items()}


FURTHER = {"collapse", "draws", "mean_only_table", "pairs_and_line", "runaway", "small_vae", "walks"}
"""Of the further exercises: test_vae_optional_figures.py has them."""


def test_every_figure_of_the_unit_is_tried() -> None:
    assert sorted({*DRAWN, *FURTHER}) == sorted(figures.__all__)


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_it_draws_and_says_what_it_shows(name: str, images: Images) -> None:
    figure, answers, given, says = DRAWN[name]
    drawn = figure(*answers, **settings(given, images))
    assert isinstance(drawn, Picture)
    assert says in drawn.alt
    assert "nan" not in drawn.alt
    assert 10_000 < len(drawn.png) < 600_000


def test_more_draws_are_no_worse_than_the_bound(images: Images) -> None:
    alt = figures.tightening(
        elbo, importance_log_likelihood, bernoulli_log_likelihood, vaes={"it": model()}, images=images, counts=(1, 20)
    ).alt  # type: ignore[union-attr]
    bound, estimate = (float(part.split()[0]) for part in alt.replace(",", "").split("−ELBO ")[1].split(" and "))
    assert estimate < bound


@pytest.mark.parametrize("name", ["plane", "manifold", "reconstructions", "samples", "tightening"])
def test_before_training_they_wait(name: str, images: Images) -> None:
    figure, answers, given, _ = DRAWN[name]
    untrained = {"vae": model(epochs=0), "vaes": {"it": model(epochs=0)}}
    inputs = {key: untrained.get(key, images) for key in given}
    drawn = figure(*answers, **inputs)
    assert isinstance(drawn, Notice)
    assert repr(drawn) == "This figure waits for train_step."


@pytest.mark.parametrize("counts", [(), (0, 5)])
def test_numbers_of_draws_that_make_no_sense_are_refused(counts: tuple[int, ...], images: Images) -> None:
    with pytest.raises(ValueError, match=r"expected .* got"):
        figures.tightening(
            elbo,
            importance_log_likelihood,
            bernoulli_log_likelihood,
            vaes={"it": model()},
            images=images,
            counts=counts,
        )
