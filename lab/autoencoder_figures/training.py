"""Small autoencoders, trained in seconds with the losses that a student wrote, and kept for later figures."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from lab.data import SOURCES, Images, Rows, load
from lab.fit import best_device, fit, made

PIXELS = 784

MANY, FEWER = 10_000, 6
"""From so many images on (MNIST has 50,000, the digits 1,285), a sixth of the epochs still has several times as many steps."""

source = "digits"


def use(images: str) -> None:
    """Draw all figures from "mnist", or from "digits" again. What was trained before is forgotten."""
    global source
    if images not in SOURCES:
        raise ValueError(f"expected one of {', '.join(SOURCES)}; got {images!r}")
    source = images
    for remembered in (grey_levels, part, finished):
        remembered.cache_clear()


@functools.cache
def grey_levels() -> Images:
    """Between 0 and 1, on the processor, where figures are drawn."""
    return load(source, "none")


@functools.cache
def part(name: str, without: int | None = None) -> tuple[Float[Tensor, "n d"], Int64[Tensor, "n"]]:
    """(pictures, which digit each is) of "train", "valid" or "test", all or without one of the digits."""
    split = getattr(grey_levels(), name)
    keep = torch.ones(len(split), dtype=torch.bool) if without is None else split.labels != without
    return split.images()[keep], split.labels[keep]


class Coder(nn.Module):
    """decoder(encoder(x)) are logits of pixels."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return self.decoder(self.encoder(x))

    @torch.no_grad()
    def codes(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        return self.encoder(x)

    @torch.no_grad()
    def pictures(self, codes: Float[Tensor, "n k"]) -> Float[Tensor, "n d"]:
        return self.decoder(codes).sigmoid()

    def again(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """What becomes of pictures that go through it."""
        return self.pictures(self.codes(x))


def deep(code: int, hidden: int = 200) -> Coder:
    """A hidden layer on both sides, and a code of any real numbers."""
    encoder = nn.Sequential(nn.Linear(PIXELS, hidden), nn.ReLU(), nn.Linear(hidden, code))
    return Coder(encoder, nn.Sequential(nn.Linear(code, hidden), nn.ReLU(), nn.Linear(hidden, PIXELS)))


def shallow(code: int) -> Coder:
    """One layer of sigmoids, and one that is linear: each number of the code has a filter that can be looked at."""
    return Coder(nn.Sequential(nn.Linear(PIXELS, code), nn.Sigmoid()), nn.Linear(code, PIXELS))


class Back(nn.Module):
    """The layer's own weights, the other way round: no weights of its own but a bias."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer, self.bias = layer, nn.Parameter(torch.zeros(layer.in_features))

    def forward(self, code: Float[Tensor, "n k"]) -> Float[Tensor, "n d"]:
        return code @ self.layer.weight + self.bias


def tied(code: int) -> Coder:
    """One layer of sigmoids, and the same weights back: a small code cannot be made up for by a large decoder."""
    layer = nn.Linear(PIXELS, code)
    return Coder(nn.Sequential(layer, nn.Sigmoid()), Back(layer))


@dataclass(frozen=True)
class Training:
    """What is trained, on what and with which loss. The same again is not trained again, unless an answer was written anew."""

    network: Callable[[int], Coder]
    code: int
    loss: str
    """"squared" or "cross-entropy": of `reconstruction_losses`; "hidden": `denoising_loss`; "contractive": with a penalty."""
    amount: float = 0.0
    """The share of hidden pixels, or the weight of the penalty."""
    without: int | None = None
    """A digit that is left out."""
    epochs: int = 30
    rate: float = 2e-3
    written: tuple[Any, ...] = ()
    """The answers as the student wrote them: by these it is known again."""
    asked: tuple[Any, ...] = field(default=(), compare=False)
    """The same answers, as `show` hands them over."""

    def terms(self, model: nn.Module, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """(minus the loss, the penalty), one a row, as `lab.fit` climbs them."""
        assert isinstance(model, Coder)
        if self.loss == "hidden":
            u = torch.rand(x.shape, generator=generator, device=x.device)
            loss = self.asked[0](model.encoder, model.decoder, x, u, self.amount)
        else:
            squared, nats = self.asked[0](model(x), x)
            loss = squared if self.loss == "squared" else nats
        penalty = torch.zeros_like(loss)
        if self.loss == "contractive" and self.amount:
            penalty = self.amount * self.asked[1](model.encoder, x)
        return -loss, penalty


def trained(
    network: Callable[[int], Coder], code: int, loss: str, *answers: Callable[..., Any], amount: float = 0.0,
    without: int | None = None, epochs: int = 30, rate: float = 2e-3,
) -> Coder:  # fmt: skip
    if code < 1 or epochs < 1:
        raise ValueError(f"expected a code of at least one number and at least one epoch; got {code} and {epochs}")
    if not 0 <= amount < math.inf or (loss == "hidden" and amount > 1):
        raise ValueError(f"expected an amount ≥ 0, and a share of at most 1; got {amount:g}")
    written = tuple(inspect.unwrap(answer) for answer in answers)
    return finished(Training(network, code, loss, amount, without, epochs, rate, written, answers))


@functools.lru_cache(maxsize=24)
def finished(training: Training) -> Coder:
    pictures, _ = part("train", training.without)
    many = len(pictures) >= MANY  # which is not what was asked for where MNIST is missing
    device = best_device() if many else "cpu"  # for the digits a GPU does not pay
    epochs = math.ceil(training.epochs / FEWER) if many else training.epochs
    model = made(lambda: training.network(training.code), seed=0, device=device)
    assert isinstance(model, Coder)
    fit(model, training.terms, Rows(pictures.to(device)), epochs=epochs, batch=64, rate=training.rate, quiet=True)
    return model.cpu().requires_grad_(False).eval()


def one_of_each(name: str = "test", which: int = 0) -> Float[Tensor, "10 d"]:
    """The digits from 0 to 9, each the first of its kind, or the second, and so on."""
    pictures, labels = part(name)
    return torch.stack([pictures[(labels == digit).nonzero()[which, 0]] for digit in range(10)])
