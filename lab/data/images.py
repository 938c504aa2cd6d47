"""A set of images in three parts, and the ways to make black and white of grey.

A likelihood of binary images means nothing without the way in which they became binary:

    static       every pixel drawn once and for all with its grey level as probability (Larochelle & Murray, 2011, for MNIST)
    dynamic      drawn anew each time that an image is looked at
    threshold    on where the grey level is above one half
    none         grey levels between 0 and 1, as they are

The numbers do not compare: the same model has 87 nats on one and 108 on another. So the choice is part of the set's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

BINARISATIONS = ("static", "dynamic", "threshold", "none")


@dataclass(frozen=True)
class Split:
    """One part of a set, all of it in one tensor on one device: no image is ever handled by itself."""

    name: str
    pixels: UInt8[Tensor, "n d"]
    """Grey levels, 0 to 255; of a static binarisation 0 and 255 alone."""
    labels: Int64[Tensor, "n"] | None
    """Which digit it is, where that is known."""
    binarisation: str

    def __len__(self) -> int:
        return len(self.pixels)

    def images(
        self, rows: Int64[Tensor, "b"] | slice = slice(None), generator: torch.Generator | None = None
    ) -> Float[Tensor, "b d"]:
        """These images as the binarisation has them: zeros and ones, or grey levels for "none".

        `dynamic` draws from the generator, which must be on the device of the pixels; the others need none.
        """
        grey = self.pixels.index_select(0, rows) if isinstance(rows, Tensor) else self.pixels[rows]
        if self.binarisation == "threshold":
            return (grey > 127).float()
        return drawn(grey, generator) if self.binarisation == "dynamic" else grey.float().div_(255)

    def batches(self, size: int, generator: torch.Generator) -> Iterator[Float[Tensor, "b d"]]:
        """All images once, in a new order, so many at a time, the last batch with what is left."""
        for rows in shuffled(len(self), size, generator, self.pixels.device):
            yield self.images(rows, generator)

    def to(self, device: torch.device | str) -> Split:
        labels = None if self.labels is None else self.labels.to(device)
        return replace(self, pixels=self.pixels.to(device), labels=labels)


def drawn(grey: UInt8[Tensor, "b d"], generator: torch.Generator | None) -> Float[Tensor, "b d"]:
    """Each pixel on with probability grey/255, to within 2⁻¹⁶; at 0 never and at 255 always.

    It has 16 random bits, four pixels from one number: half the time that `torch.bernoulli` takes, in the loop over all images.
    """
    images, pixels = grey.shape
    numbers = torch.empty(images, -(-pixels // 4), dtype=torch.int64, device=grey.device)
    numbers.random_(-(2**63), None, generator=generator)
    bits = numbers.view(torch.int16)[:, :pixels].int().add_(2**15)  # 0 to 2¹⁶ − 1
    return (bits * 255 < grey.int() * 2**16).float()


@dataclass(frozen=True)
class Rows:
    """Any tensor as something to train on, row by row: points of a toy set, features."""

    values: Float[Tensor, "n d"]

    def __len__(self) -> int:
        return len(self.values)

    def batches(self, size: int, generator: torch.Generator) -> Iterator[Float[Tensor, "b d"]]:
        for rows in shuffled(len(self), size, generator, self.values.device):
            yield self.values.index_select(0, rows)


def shuffled(count: int, size: int, generator: torch.Generator, device: torch.device) -> Iterator[Int64[Tensor, "b"]]:
    """Numbers of rows, all of them once. The generator is on the device, or on the CPU and the numbers travel."""
    yield from torch.randperm(count, generator=generator, device=generator.device).to(device).split(size)


@dataclass(frozen=True)
class Images:
    """Train, validate, test."""

    source: str
    binarisation: str
    train: Split
    valid: Split
    test: Split
    side: int = 28

    @property
    def name(self) -> str:
        """As it stands beside every number: "MNIST, dynamic binarisation"."""
        return f"{self.source}, {f'{self.binarisation} binarisation' if self.binarisation != 'none' else 'grey levels'}"

    def to(self, device: torch.device | str) -> Images:
        return replace(self, train=self.train.to(device), valid=self.valid.to(device), test=self.test.to(device))

    def __repr__(self) -> str:
        parts = ", ".join(f"{len(split):,} to {split.name}" for split in (self.train, self.valid, self.test))
        return f"{self.name}: {parts}; {self.side}×{self.side} pixels on {self.train.pixels.device}"


def of_grey(
    source: str, binarisation: str, pixels: dict[str, UInt8[Tensor, "n d"]], labels: dict[str, Int64[Tensor, "n"]]
) -> Images:  # fmt: skip
    """A set from grey levels and labels, by the name of the part; `static` draws once, always the same."""
    if binarisation == "static":
        pixels = {name: drawn_once(grey, seed) for seed, (name, grey) in enumerate(pixels.items())}
    train, valid, test = (Split(name, pixels[name], labels[name], binarisation) for name in PARTS)
    return Images(source, binarisation, train, valid, test)


PARTS = ("train", "valid", "test")


def drawn_once(grey: UInt8[Tensor, "n d"], seed: int) -> UInt8[Tensor, "n d"]:
    """On with the grey level as probability, from a random stream that does not depend on the version of torch."""
    import numpy as np

    noise = np.random.RandomState(seed).randint(0, 255, size=tuple(grey.shape))
    return torch.where(torch.from_numpy(noise).to(grey.device) < grey, 255, 0).to(torch.uint8)


def overlaps(images: Images) -> dict[str, int]:
    """How many images of one part are in another, bit for bit, before any random binarisation: by the names of both parts."""
    rows = {name: {row.tobytes() for row in getattr(images, name).pixels.cpu().numpy()} for name in PARTS}
    return {
        f"{a} and {b}": len(rows[a] & rows[b]) for a, b in (("train", "valid"), ("train", "test"), ("valid", "test"))
    }
