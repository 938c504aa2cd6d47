"""Which images there are on this machine, and what is taken in their place, said aloud."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from lab.data import digits, mnist, static
from lab.data.files import DataProblem, folders
from lab.data.images import BINARISATIONS, Images, overlaps

SOURCES = ("digits", "mnist")


def load(
    source: str = "digits", binarisation: str = "dynamic", *, device: torch.device | str = "cpu", fall_back: bool = True,
    say: Callable[[str], object] = print,
) -> Images:  # fmt: skip
    """The images on the device.

    source         "digits", inside scikit-learn; or "mnist", from DLVM_DATA or the cache, downloaded if it is in neither
    binarisation   "static", "dynamic", "threshold", or "none" for grey levels
    fall_back      take the digits if MNIST cannot be had, and `say` so; without it a `DataProblem` is raised

    A file that is there and damaged is never passed over: `DataProblem` names it.
    """
    if binarisation not in BINARISATIONS:
        raise ValueError(f"binarisation={binarisation!r}; expected one of {', '.join(BINARISATIONS)}")
    if source not in SOURCES:
        raise ValueError(f"source={source!r}; expected one of {', '.join(SOURCES)}")
    images = digits.read(binarisation) if source == "digits" else from_mnist(binarisation, fall_back, say)
    apart(images)
    return images.to(device)


def from_mnist(binarisation: str, fall_back: bool, say: Callable[[str], object]) -> Images:
    try:
        return (
            static.read(place_of_static()) if binarisation == "static" else mnist.read(place_of_mnist(), binarisation)
        )
    except Missing as missing:
        if not fall_back:
            raise DataProblem(str(missing)) from None
        say(f"{missing} The digits of scikit-learn take its place: results do not compare with any on MNIST.")
        return digits.read(binarisation)


class Missing(DataProblem):
    """Nothing is there, and nothing can be had: the one problem for which there is a way round."""


def place_of_mnist() -> Path:
    for folder in folders():
        if mnist.is_in(folder):
            return folder
    try:
        return mnist.download()
    except DataProblem as problem:
        raise Missing(str(problem)) from None


def place_of_static() -> Path:
    for folder in folders():
        if static.is_in(folder):
            return folder
    looked = " or ".join(str(folder / "binarized_mnist") for folder in folders())
    raise Missing(
        f"The static binarisation of MNIST is not in {looked}: put {static.PACKED} or the three .amat files there."
    )


def apart(images: Images) -> None:
    """No image to test or validate with is among those to train with."""
    shared = {parts: count for parts, count in overlaps(images).items() if count}
    if shared:
        told = ", ".join(f"{count:,} are in both {parts}" for parts, count in shared.items())
        raise DataProblem(f"{images.name}: {told}. Every image belongs to one part: the files are not the usual ones.")
