"""The figures of the unit train with right answers, describe what they show, and refuse settings that make no sense."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from lab import autoencoder_figures as figures
from lab import show
from lab.autoencoder_figures import training
from lab.data import load
from lab.fit import best_device, fit
from lab.style import Picture


def reconstruction_losses(logits: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    nats = binary_cross_entropy_with_logits(logits, x, reduction="none")
    return (logits.sigmoid() - x).square().sum(-1), nats.sum(-1)


def linear_autoencoder(x: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
    mean = x.mean(0)
    rows = torch.linalg.svd(x - mean, full_matrices=False).Vh[:k]
    return mean, rows, rows.mT


def denoising_loss(encoder: nn.Module, decoder: nn.Module, x: Tensor, u: Tensor, share: float) -> Tensor:
    return reconstruction_losses(decoder(encoder(x * (u >= share))), x)[1]


def best_denoiser(noisy: Tensor, points: Tensor, sigma: float) -> Tensor:
    return torch.softmax(-torch.cdist(noisy, points).square() / (2 * sigma**2), -1) @ points


def contractive_penalty(encoder: nn.Module, x: Tensor) -> Tensor:
    return torch.func.vmap(torch.func.jacrev(encoder))(x).square().sum((1, 2))


def interpolate(encoder: nn.Module, decoder: nn.Module, a: Tensor, b: Tensor, steps: int) -> Tensor:
    share = torch.linspace(0, 1, steps)[:, None]
    return decoder(torch.lerp(encoder(a).unsqueeze(1), encoder(b).unsqueeze(1), share)).sigmoid()


@pytest.fixture(autouse=True)
def few_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two epochs where a notebook takes thirty: what is drawn here is not looked at."""
    training.finished.cache_clear()
    monkeypatch.setattr(training, "fit", lambda *what, epochs, **how: fit(*what, epochs=min(epochs, 2), **how))


R = reconstruction_losses
DRAWN = {
    "anomalies": (figures.anomalies, (R,), "9, never seen: median"),
    "classification": (figures.classification, (R,), "all labels, 784 pixels, logistic regression: 9"),
    "code_plane": (figures.code_plane, (R,), "where a draw would be in 86% of all cases"),
    "corners": (figures.corners, (R,), "9 by 9 decoded codes, with the digits 0, 1, 4, 7"),
    "filters": (figures.filters, (denoising_loss,), "The 49 strongest filters"),
    "guesses": (figures.guesses, (denoising_loss,), "50% of their pixels hidden"),
    "not_digits": (figures.not_digits, (R,), "the box that holds all 1285 codes"),
    "price_of_a_pixel": (figures.price_of_a_pixel, (R,), "the cross-entropy is 12.0 with the slope 1.00"),
    "projection": (figures.projection, (best_denoiser,), "with σ = 0.15 they end 0.02 away"),
    "reconstructions": (figures.reconstructions, (R,), "Ten digits and their reconstructions from 10 numbers"),
    "spoilt_points": (figures.spoilt_points, (), "300 points along two half circles"),
    "stretching": (figures.stretching, (R, contractive_penalty), "two encoders with 32 numbers of code"),
    "walks": (figures.walks, (R, interpolate), "from a 3 to an 8 in 10 steps"),
    "widths": (figures.widths, (linear_autoencoder, R), "the best linear autoencoder loses 8.0"),
}


def test_every_figure_of_the_unit_is_tried_here() -> None:
    assert sorted(DRAWN) == sorted({*figures.__all__} - {"use"})


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_it_draws_and_says_what_it_shows(name: str) -> None:
    figure, answers, says = DRAWN[name]
    drawn = figure(*answers)
    assert isinstance(drawn, Picture)
    assert says in drawn.alt
    assert "nan" not in drawn.alt
    assert 10_000 < len(drawn.png) < 450_000


@pytest.mark.parametrize(
    ("figure", "answers", "settings"),
    [
        (figures.anomalies, (R,), {"digit": 10}),
        (figures.classification, (R,), {"few": 0}),
        (figures.corners, (R,), {"digits": (0, 1, 2)}),
        (figures.corners, (R,), {"side": 1}),
        (figures.guesses, (denoising_loss,), {"share": 1.5}),
        (figures.filters, (denoising_loss,), {"share": 0.0}),
        (figures.not_digits, (R,), {"code": 0}),
        (figures.price_of_a_pixel, (R,), {"x": 2.0}),
        (figures.projection, (best_denoiser,), {"sigma": 0.0}),
        (figures.reconstructions, (R,), {"epochs": 0}),
        (figures.spoilt_points, (), {"count": 1}),
        (figures.stretching, (R, contractive_penalty), {"strength": 0.0}),
        (figures.walks, (R, interpolate), {"steps": 1}),
        (figures.walks, (R, interpolate), {"end": 12}),
        (figures.widths, (linear_autoencoder, R), {"code": 0}),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_words(figure, answers, settings) -> None:
    with pytest.raises(ValueError, match=r"expected .* got"):
        figure(*answers, **settings)


def test_it_waits_for_what_is_not_written() -> None:
    def unwritten(logits: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError()

    assert repr(show(figures.reconstructions, unwritten)) == "This figure waits for unwritten."


def test_a_network_is_trained_once_and_again_when_the_answer_is_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    training.finished.cache_clear()

    def written_anew(logits: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        return reconstruction_losses(logits, x)

    first, second = (training.trained(training.deep, 1, "squared", R, epochs=1) for _ in range(2))
    other = training.trained(training.deep, 1, "squared", written_anew, epochs=1)
    assert first is second
    assert first is not other
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


# ---- on other images -----------------------------------------------------------------------------------------------------


@pytest.fixture
def mnist(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What stands for MNIST: the digits eight times over, ink and paper exchanged. What was trained on it is forgotten."""
    digits = load("digits", "none")
    parts = {name: getattr(digits, name) for name in ("train", "valid", "test")}
    turned = {
        name: replace(part, pixels=255 - part.pixels.repeat(8, 1), labels=part.labels.repeat(8))
        for name, part in parts.items()
    }
    images = replace(digits, **turned)
    monkeypatch.setattr(training, "load", lambda source, binarisation: images if source == "mnist" else digits)
    yield
    figures.use("digits")


@pytest.mark.usefixtures("mnist")
def test_after_use_figures_train_on_mnist_and_are_as_before_after_using_the_digits_again() -> None:
    def on_paper() -> float:
        return float(training.one_of_each().mean())

    before = on_paper()
    drawn = {}
    for images in ("digits", "mnist", "digits"):
        figures.use(images)
        drawn[images] = training.trained(training.deep, 1, "squared", R, epochs=1)
        assert on_paper() == pytest.approx(before if images == "digits" else 1 - before)
    of_digits, of_mnist = (list(drawn[images].parameters()) for images in ("digits", "mnist"))
    assert not any(torch.equal(a, b) for a, b in zip(of_digits, of_mnist, strict=True))


@pytest.mark.usefixtures("mnist")
def test_networks_are_trained_on_mnist_for_a_sixth_of_the_epochs_on_the_best_device_and_kept_on_the_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = {}

    def watched(model: nn.Module, terms: Any, train: Any, *, epochs: int, **rest: Any) -> Any:
        told["device"], told["epochs"] = next(model.parameters()).device.type, epochs
        assert next(train.batches(2, torch.Generator(told["device"]))).device.type == told["device"]
        return fit(model, terms, train, epochs=1, **rest)

    monkeypatch.setattr(training, "fit", watched)
    figures.use("mnist")
    coder = training.trained(training.deep, 1, "hidden", denoising_loss, amount=0.5, epochs=30)
    assert told == {"device": best_device().type, "epochs": 5}
    assert {weight.device.type for weight in coder.parameters()} == {"cpu"}


@pytest.mark.usefixtures("mnist")
def test_where_mnist_is_missing_the_digits_are_trained_as_long_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    monkeypatch.setattr(training, "fit", lambda *what, epochs, **how: told.append(epochs))
    monkeypatch.setattr(training, "load", lambda source, binarisation: load("digits", binarisation))
    figures.use("mnist")
    training.trained(training.deep, 1, "squared", R, epochs=30)
    assert told == [30]


def test_other_images_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="expected one of digits, mnist; got 'cifar'"):
        figures.use("cifar")
