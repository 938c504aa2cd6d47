"""The fixed binarisation of MNIST on which most papers report (Larochelle & Murray, 2011): one sample of every image.

Two forms are read, from the folder binarized_mnist:

    binarized_mnist_train.amat, …_valid.amat, …_test.amat    the original text, 784 zeros and ones a line
    binarized_mnist_packed.npz                               the same in 2 MB: uint8 rows of 98 bytes, eight pixels in each

There are no labels, and the order is not MNIST's. The test images are sorted by digit: the first thousand are zeros and ones.
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lab.data.files import DataProblem
from lab.data.images import PARTS, Images, Split

PACKED = "binarized_mnist_packed.npz"
ROWS = {"train": 50_000, "valid": 10_000, "test": 10_000}
SHA256 = {
    "train": "ad693b29f94c14277b095f5238ddefbbdaaae0939789dd2f4f0205278cee3e4d",
    "valid": "1de3d397c40fe8eeb33dafd4099a1f665ec01e96d9be234aaeeac8a34930e2e2",
    "test": "e6687bfea3f820c174f33b7865140b2a2dd2930ef786f35d45795fc193b5ab2c",
}
"""Of the text files. Packed bits are written out as text to be compared: that tells the content, not the container."""


def is_in(folder: Path) -> bool:
    place = folder / "binarized_mnist"
    return (place / PACKED).is_file() or all((place / text_name(part)).is_file() for part in PARTS)


def text_name(part: str) -> str:
    return f"binarized_mnist_{part}.amat"


def read(folder: Path) -> Images:
    """All 70,000 images; `DataProblem` names a file that is not what it should be."""
    place = folder / "binarized_mnist"
    bits = from_packed(place / PACKED) if (place / PACKED).is_file() else from_text(place)
    train, valid, test = (Split(part, torch.from_numpy(bits[part]) * 255, None, "static") for part in PARTS)
    return Images("MNIST", "static", train, valid, test)


def from_packed(path: Path) -> dict[str, np.ndarray]:
    remedy = "Get the file again, or the three text files in its place."
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            packed = {part: file[part] for part in PARTS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as problem:
        raise DataProblem(f"{path} cannot be read ({problem}): it is damaged or cut off. {remedy}") from None
    bits = {}
    for part, rows in packed.items():
        if rows.dtype != np.uint8 or rows.shape != (ROWS[part], 98):
            raise DataProblem(
                f"{path}: {part} is {rows.dtype} of shape {rows.shape}; expected uint8 of shape {(ROWS[part], 98)}. {remedy}"
            )
        bits[part] = np.unpackbits(rows, axis=1)
        check(path, part, as_text(bits[part]), remedy)
    return bits


def from_text(place: Path) -> dict[str, np.ndarray]:
    bits = {}
    for part in PARTS:
        path = place / text_name(part)
        text = path.read_bytes()
        check(path, part, text, "Get the file again: it is cut off, or another one.")
        bits[part] = (np.frombuffer(text, np.uint8).reshape(ROWS[part], -1)[:, ::2] - ord("0")).copy()
    return bits


def as_text(bits: np.ndarray) -> bytes:
    """As the original files have it: digits with a space between two, and a line end after each image."""
    text = np.full((len(bits), 2 * bits.shape[1]), ord(" "), np.uint8)
    text[:, ::2] = bits + ord("0")
    text[:, -1] = ord("\n")
    return text.tobytes()


def check(path: Path, part: str, text: bytes, remedy: str) -> None:
    got = hashlib.sha256(text).hexdigest()
    if got != SHA256[part]:
        raise DataProblem(
            f"{path} is not what it should be: the sha256 of {part} is {got}, where {SHA256[part]} was expected. {remedy}"
        )


def packed(bits: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """What PACKED holds, to be given to numpy.savez_compressed."""
    return {part: np.packbits(bits[part].cpu().numpy() > 0, axis=1) for part in PARTS}
