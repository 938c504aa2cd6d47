"""The figures that models are looked at with say what they show, and show what they were given."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from lab import figures
from lab.figures.images import GAP, sheet, square
from lab.history import Epoch, History
from lab.style import Picture

IMAGES = torch.rand(30, 784, generator=torch.Generator().manual_seed(0))


def png(picture: Picture) -> bytes:
    assert picture.png.startswith(b"\x89PNG")
    return picture.png


def test_a_sheet_has_every_image_in_its_place_and_paper_between() -> None:
    page = sheet(square(IMAGES), columns=12)
    assert page.shape == (3 * 30 - GAP, 12 * 30 - GAP)
    for number in (0, 11, 12, 29):
        top, left = number // 12 * 30, number % 12 * 30
        assert torch.equal(page[top : top + 28, left : left + 28], IMAGES[number].reshape(28, 28))
    assert bool(page[28:30].isnan().all())
    assert bool(page[60:88, 6 * 30 :].isnan().all())


def test_rows_of_pixels_and_square_images_are_the_same_and_others_are_refused() -> None:
    assert torch.equal(square(IMAGES), square(IMAGES.reshape(-1, 28, 28)))
    with pytest.raises(ValueError, match="700 pixels are no square image"):
        square(torch.zeros(3, 700))
    with pytest.raises(ValueError, match=r"got \[2, 1, 28, 28\]"):
        square(torch.zeros(2, 1, 28, 28))


def test_samples_comparisons_and_rows_say_how_many_they_show() -> None:
    assert figures.samples(IMAGES, "from the prior").alt == "30 images: from the prior."
    assert figures.compared(IMAGES[:5], IMAGES[5:10]).alt == "5 images in each of 2 rows: image, reconstruction."
    strip = figures.rows({"t = 0": IMAGES[:6], "t = 500": IMAGES[:4]})
    assert strip.alt == "6 images in each of 2 rows: t = 0, t = 500."
    assert png(strip) != png(figures.rows({"t = 0": IMAGES[:6], "t = 500": IMAGES[6:10]}))
    with pytest.raises(ValueError, match="got 5 and 4"):
        figures.compared(IMAGES[:5], IMAGES[:4])


def test_images_that_need_a_gradient_are_drawn_all_the_same() -> None:
    assert png(figures.samples(IMAGES.clone().requires_grad_()))


def test_the_latent_plane_wants_two_dimensions_and_a_label_each() -> None:
    means = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    drawn = figures.latent_plane(means, torch.arange(50) % 10)
    assert "50 images of 10 classes" in drawn.alt
    for spread in means.std(0).tolist():
        assert f"{spread:.2f}" in drawn.alt
    with pytest.raises(ValueError, match=r"one point of the plane for each of 50 labels; got \[50, 3\]"):
        figures.latent_plane(torch.randn(50, 3), torch.zeros(50, dtype=torch.int64))


def test_the_manifold_asks_the_decoder_at_even_quantiles_with_z2_upwards() -> None:
    asked: list[Tensor] = []

    def decode(z: Tensor) -> Tensor:
        asked.append(z)
        return torch.sigmoid(z.sum(1, keepdim=True)).expand(-1, 784)

    figures.manifold(decode, side=5, reach=0.8)
    (z,) = asked
    places = z.reshape(5, 5, 2)
    quantiles = 0.5 * (1 + torch.erf(places / math.sqrt(2)))
    assert torch.allclose(quantiles[0, :, 0], torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9]), atol=1e-6)
    assert torch.allclose(quantiles[:, 0, 1], torch.tensor([0.9, 0.7, 0.5, 0.3, 0.1]), atol=1e-6)
    assert bool((places[:, :, 0] == places[:1, :, 0]).all())
    with pytest.raises(ValueError, match="got 1 and"):
        figures.manifold(decode, side=1)


def test_the_aggregate_of_the_prior_itself_lies_where_the_prior_lies() -> None:
    """Means with variance ¾ and posteriors with variance ¼ make N(0, I): 86 percent within two deviations."""
    means = torch.randn(2000, 2, generator=torch.Generator().manual_seed(0)) * math.sqrt(0.75)
    drawn = figures.aggregate(means, torch.full((2000, 2), math.log(0.25)))
    (share,) = [int(word[:-1]) for word in drawn.alt.split() if word.endswith("%")]
    assert abs(share - 86) <= 2


def test_the_training_is_drawn_with_the_epoch_that_was_kept() -> None:
    epochs = [Epoch(n, -100 + n, -101 + n - 0.02 * n**2, min(1, n / 10), 1.0) for n in range(1, 41)]
    drawn = figures.training(History(epochs=epochs), "digits, static binarisation")
    assert drawn.alt == "The bound by epoch on digits, static binarisation: -88.5 nats in epoch 25, which was kept."
    with pytest.raises(ValueError, match="no epoch was finished"):
        figures.training(History())
